"""Reading pictures of any kind, erasing regions, and enlarging maps to pixels. No torch."""

from .arrays import LoadedImage, enlarge
from .formats import check_opened, open_picture, picture_suffixes
from .read import read_image, read_with_notes

__all__ = [
    "LoadedImage",
    "check_opened",
    "enlarge",
    "open_picture",
    "picture_suffixes",
    "read_image",
    "read_with_notes",
]
