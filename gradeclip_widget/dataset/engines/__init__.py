"""Engines: how a run is computed, on this machine or on a Ray cluster."""
