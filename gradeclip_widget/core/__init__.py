"""Values and their arithmetic, in NumPy and PIL alone: no torch, no widget, no files."""
