"""Preprocessing: any picture that a user may hold, as the pixels that an image tower takes."""

from .picture import Fit, Picture
from .processor import ImageProcessor
from .sizes import MAX_PATCHES
from .sources import Source, read_source

__all__ = ["MAX_PATCHES", "Fit", "ImageProcessor", "Picture", "Source", "read_source"]
