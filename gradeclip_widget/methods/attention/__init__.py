"""Methods made of attention weights."""
