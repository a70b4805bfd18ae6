"""Arithmetic of a single map and the mask of an object, without a model or torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.regions import Box
from ..images import enlarge

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def spread(
    values: ArrayLike, height: int, width: int, cover: Box | None = None, outside: float = 0.0
) -> Map:
    """Return a map on the patch grid as pixels of a picture, interpolated bilinearly.

    Args:
        values: (rows, cols), finite.
        height: height of the picture in pixels.
        width: width of the picture in pixels.
        cover: box of the picture that the grid covers, x0, y0, x1, y1 in pixels; all of it when ``None``.
        outside: value of the pixels that the grid does not cover.

    Returns:
        (height, width) float32.

    Raises:
        ValueError: the map is not two-dimensional, is empty, or contains NaN or infinity.
    """
    grid = np.asarray(values, dtype=np.float32)
    if grid.ndim != 2 or not grid.size:
        raise ValueError(f"a map has rows and columns; this one has shape {grid.shape}")
    if not np.isfinite(grid).all():
        raise ValueError("the map contains NaN or infinity; give finite values")
    x0, y0, x1, y1 = (0, 0, width, height) if cover is None else map(round, cover)
    if (x0, y0, x1, y1) == (0, 0, width, height):
        return enlarge(grid, (width, height))
    pixels = np.full((height, width), outside, np.float32)
    # If the model's crop pads the picture, the box extends beyond the picture's edges.
    top, left = max(y0, 0), max(x0, 0)
    inside = enlarge(grid, (x1 - x0, y1 - y0))[top - y0 : height - y0, left - x0 : width - x0]
    pixels[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return pixels


def seen_pixels(shape: tuple[int, ...], cover: Box | None) -> Mask:
    """Return a mask (height, width) of the pixels that the model saw.

    Args:
        shape: (height, width) of the picture.
        cover: box of the picture that the model saw; all of it when ``None``.
    """
    height, width = shape
    x0, y0, x1, y1 = (0, 0, width, height) if cover is None else cover
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    return np.outer((y >= y0) & (y <= y1), (x >= x0) & (x <= x1))


def pointing_hit(
    values: ArrayLike, mask: ArrayLike, tolerance: int = 0, cover: Box | None = None
) -> bool:
    """Return whether the map's highest pixel lies on the object (the pointing game).

    >>> pointing_hit([[0, 1], [0, 0]], [[False, True], [False, False]])
    True

    Args:
        values: (rows, cols) signed map on the patch grid.
        mask: (height, width) bool, the object.
        tolerance: distance in pixels from the object that still counts as a hit; the original game allows
            15 on VOC's pictures of about 500.
        cover: box of the picture that the grid covers; all of it when ``None``.

    Returns:
        Whether it lies there; ``False`` for a map without positive evidence.

    Raises:
        ValueError: the object lies outside the part of the picture that the grid covers.

    Reference:
        Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018, section 4.1.
    """
    inside = checked_mask(mask)
    height, width = inside.shape
    inside = inside & seen_pixels(inside.shape, cover)
    if not inside.any():
        raise ValueError(
            f"the model did not see the object: its mask lies outside the box {cover} of the picture"
        )
    pixels = spread(values, height, width, cover)
    if pixels.max() <= 0:
        return False
    row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
    rows, columns = np.nonzero(inside)
    nearest = ((rows - row) ** 2 + (columns - column) ** 2).min()
    return bool(nearest <= tolerance**2)


def energy_in_mask(values: ArrayLike, mask: ArrayLike, cover: Box | None = None) -> float:
    """Return the share of a map's positive evidence that lies on the object, 0 to 1.

    >>> energy_in_mask([[3, 1], [0, -5]], [[True, False], [False, False]])
    0.75

    Args:
        values: (rows, cols) signed map on the patch grid.
        mask: (height, width) bool, the object.
        cover: box of the picture that the grid covers; all of it when ``None``.

    Returns:
        The share; 0 if the map has no positive evidence; NaN if the object lies outside the part of the
        picture that the grid covers.

    Reference:
        Wang et al., "Score-CAM", CVPR workshops 2020, section 4.3 ("energy-based pointing game").
    """
    inside = checked_mask(mask)
    height, width = inside.shape
    if not (inside & seen_pixels(inside.shape, cover)).any():
        return float("nan")
    positive = np.maximum(spread(values, height, width, cover), 0).astype(np.float64)
    total = positive.sum()
    return float(positive[inside].sum() / total) if total > 0 else 0.0


def segmentation(
    values: ArrayLike, shape: tuple[int, int], threshold: float = 0.5, cover: Box | None = None
) -> Mask:
    """Return a mask (height, width) of the pixels whose value is at least a share of the map's maximum.

    >>> segmentation([[4, 1], [2, -5]], (2, 2)).tolist()
    [[True, False], [True, False]]

    Args:
        values: (rows, cols) signed map on the patch grid.
        shape: (height, width) of the picture.
        threshold: the share, above 0 and at most 1.
        cover: box of the picture that the grid covers; all of it when ``None``.

    Returns:
        The mask; empty if the map has no positive evidence.
    """
    pixels = spread(values, *shape, cover)
    peak = pixels.max()
    high: Mask = pixels >= threshold * peak if peak > 0 else np.zeros(shape, bool)
    return high


def iou(one: Mask, other: Mask) -> float:
    """Return the intersection over union of two masks (height, width), not both empty."""
    return float((one & other).sum() / (one | other).sum())


def checked_mask(mask: ArrayLike) -> Mask:
    """Return a mask as an array.

    Raises:
        ValueError: it is not a boolean array (height, width), or it is empty.
    """
    inside = np.asarray(mask)
    if inside.ndim != 2 or inside.dtype != np.bool_:
        raise ValueError(
            f"a mask is a boolean (height, width) array, not {inside.dtype} of shape {inside.shape}"
        )
    if not inside.any():
        raise ValueError("the mask is empty: no pixel belongs to the object")
    return inside
