"""Preprocessing: from pictures of any kind to the pixels that an image tower takes."""

from .picture import MAX_PATCHES, Fit, Picture, RawPicture, read_picture
from .processor import ImageProcessor

__all__ = ["MAX_PATCHES", "Fit", "ImageProcessor", "Picture", "RawPicture", "read_picture"]
