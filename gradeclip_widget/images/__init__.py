"""Reading pictures of any kind, erasing regions, and enlarging maps to pixels. No torch."""

from .arrays import LoadedImage, enlarge
from .read import read_image, read_with_notes

__all__ = ["LoadedImage", "enlarge", "read_image", "read_with_notes"]
