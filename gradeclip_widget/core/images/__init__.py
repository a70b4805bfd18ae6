"""Pictures of any kind that a user may hold, and maps enlarged to pixels."""

from .enlarge import enlarge
from .loaded import LoadedImage
from .reading import read_image, read_with_notes

__all__ = ["LoadedImage", "enlarge", "read_image", "read_with_notes"]
