"""What a run is computed with: this machine, or a cluster."""
