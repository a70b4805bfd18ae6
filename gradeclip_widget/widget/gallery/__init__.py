"""The gallery of a dataset run: its pairs as thumbnails, to sort, filter and open. It imports no torch."""

from .gallery import Gallery, browse

__all__ = ["Gallery", "browse"]
