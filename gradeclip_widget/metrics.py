"""Measures of how well a map points at an object whose mask is known. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .core.images import enlarge

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def spread(values: ArrayLike, height: int, width: int) -> Map:
    """Return a map on the patch grid as pixels of a picture, interpolated bilinearly.

    Args:
        values: (rows, cols), finite.
        height: of the picture in pixels.
        width: of the picture in pixels.

    Returns:
        (height, width) float32.

    Raises:
        ValueError: The map is not two-dimensional, is empty, or holds NaN or infinity.
    """
    grid = np.asarray(values, dtype=np.float32)
    if grid.ndim != 2 or not grid.size:
        raise ValueError(f"a map has rows and columns; this one has shape {grid.shape}")
    if not np.isfinite(grid).all():
        raise ValueError("the map holds NaN or infinity; give finite values")
    return enlarge(grid, (width, height))


def pointing_hit(values: ArrayLike, mask: ArrayLike, tolerance: int = 0) -> bool:
    """Play the pointing game: return whether the map's highest pixel lies on the object.

    >>> pointing_hit([[0, 1], [0, 0]], [[False, True], [False, False]])
    True

    Args:
        values: (rows, cols) signed map on the patch grid.
        mask: (height, width) bool, the object.
        tolerance: distance in pixels from the object that still counts as a hit; the original game allows
            15 on VOC's pictures of about 500.

    Returns:
        Whether it hits; ``False`` for a map without positive evidence.

    Reference:
        Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018, section 4.1.
    """
    inside = _checked(mask)
    pixels = spread(values, *inside.shape)
    if pixels.max() <= 0:
        return False
    row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
    rows, columns = np.nonzero(inside)
    nearest = ((rows - row) ** 2 + (columns - column) ** 2).min()
    return bool(nearest <= tolerance**2)


def energy_in_mask(values: ArrayLike, mask: ArrayLike) -> float:
    """Return the share of a map's positive evidence that lies on the object, 0 to 1.

    >>> energy_in_mask([[3, 1], [0, -5]], [[True, False], [False, False]])
    0.75

    Args:
        values: (rows, cols) signed map on the patch grid.
        mask: (height, width) bool, the object.

    Returns:
        The share; 0 where there is no positive evidence.

    Reference:
        Wang et al., "Score-CAM", CVPR workshops 2020, section 4.3 ("energy-based pointing game").
    """
    inside = _checked(mask)
    positive = np.maximum(spread(values, *inside.shape), 0).astype(np.float64)
    total = positive.sum()
    return float(positive[inside].sum() / total) if total > 0 else 0.0


def _checked(mask: ArrayLike) -> Mask:
    inside = np.asarray(mask)
    if inside.ndim != 2 or inside.dtype != np.bool_:
        raise ValueError(
            f"a mask is a boolean (height, width) array, not {inside.dtype} of shape {inside.shape}"
        )
    if not inside.any():
        raise ValueError("the mask is empty: no pixel belongs to the object")
    return inside
