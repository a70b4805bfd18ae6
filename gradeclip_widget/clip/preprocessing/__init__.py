"""Preprocessing: from pictures of any kind to the pixels that an image tower takes.

Importing this does not import torch; the first use of `ImageProcessor` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names
from .picture import MAX_PATCHES, Fit, Picture, RawPicture, read_picture

if TYPE_CHECKING:
    from .processor import ImageProcessor

__all__ = ["MAX_PATCHES", "Fit", "ImageProcessor", "Picture", "RawPicture", "read_picture"]

__getattr__ = lazy_names(__name__, {"ImageProcessor": ".processor"})
