"""Pictures of any kind that a user may have, and maps enlarged to pixels. No torch."""

from .arrays import LoadedImage, enlarge
from .read import read_image, read_with_notes

__all__ = ["LoadedImage", "enlarge", "read_image", "read_with_notes"]
