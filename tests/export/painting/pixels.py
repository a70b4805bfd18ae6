"""Pictures as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor


def pixels(image: Image.Image) -> NDArray[np.int_]:
    return np.asarray(image, int)


def count_of(image: Image.Image, color: str) -> int:
    """How many pixels are of that very color."""
    return int((pixels(image) == ImageColor.getrgb(color)).all(-1).sum())
