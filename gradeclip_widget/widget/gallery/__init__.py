"""The gallery of a dataset run: its pairs as thumbnails, sorted and filtered. It brings no torch."""

from .browse import browse
from .gallery import Gallery

__all__ = ["Gallery", "browse"]
