"""Maps on patches as maps on pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map on patches (rows, cols) as pixels (height, width), bilinear between patch centers.

    Args:
        values: the map.
        size: (width, height) in pixels.
    """
    resized = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)
