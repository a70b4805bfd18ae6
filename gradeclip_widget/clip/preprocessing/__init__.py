"""Preprocessing: any picture that a user may hold, as the pixels that an image tower takes."""

from .picture import MAX_PATCHES, Fit, Picture, Source, read_source
from .processor import ImageProcessor

__all__ = ["MAX_PATCHES", "Fit", "ImageProcessor", "Picture", "Source", "read_source"]
