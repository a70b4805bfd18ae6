"""The values of an explanation and their arithmetic, on arrays: no torch, no widget, no files."""
