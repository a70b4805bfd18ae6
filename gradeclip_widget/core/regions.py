"""Regions of a picture as fractions of its patches. `js/src/core/arithmetic.ts` computes the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in image pixels
PixelBox = tuple[int, int, int, int]  # the same in whole pixels
Region = Sequence[float] | Sequence[Sequence[float]] | NDArray[Any] | Mapping[str, Any]

_SAMPLES = 8  # points per patch side at which a polygon is tested


def coverage(
    region: Region, image_size: tuple[int, int], grid: tuple[int, int], cover: Box
) -> NDArray[np.float32]:
    """Return the fraction of every patch that a region covers.

    Args:
        region: a box (x0, y0, x1, y1), a polygon [(x, y), ...] or a boolean mask (height, width), in image
            pixels; or the value of the widget's ``region`` trait.
        image_size: (width, height) of the picture.
        grid: (rows, cols) of patches.
        cover: box of the picture that the grid covers.

    Returns:
        (rows, cols), each 0 to 1. Boxes and masks are exact. A polygon is sampled at 8 x 8 points per patch,
        with the even-odd rule. A region that is too small to contain a sample covers the patch at its center.

    Raises:
        ValueError: the region is malformed, or lies outside the picture.
    """
    array = _numbers(region)
    if array.dtype == bool:
        return _of_mask(_checked_mask(array, image_size), grid, cover)
    if array.ndim == 1:
        return _of_box(array, image_size, grid, cover)
    return _of_polygon(array, _holes(region), image_size, grid, cover, _SAMPLES)


def pixels(region: Region, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a mask (height, width) of the pixels that a region covers at least half.

    If it covers no pixel that far, the mask has the pixels that it covers most.

    Args:
        region: as in `coverage`.
        image_size: (width, height) of the picture.

    Raises:
        ValueError: the region is malformed, or covers no pixel of the picture.
    """
    array = _numbers(region)
    if array.dtype == bool:
        return _checked_mask(array, image_size)
    width, height = image_size
    grid, whole = (height, width), (0.0, 0.0, float(width), float(height))
    if array.ndim == 1:
        covered = _of_box(array, image_size, grid, whole)
    else:
        covered = _of_polygon(array, _holes(region), image_size, grid, whole, 1)
    most = covered.max()
    if most == 0:
        raise ValueError(f"region {region!r:.80} covers no pixel of the picture")
    inside: NDArray[np.bool_] = covered >= min(0.5, most)
    return inside


def _numbers(region: Region) -> NDArray[Any]:
    """Return a region as an array: a mask, the four numbers of a box, or a polygon's points (P, 2)."""
    if isinstance(region, Mapping):  # the value of the widget's trait
        region = region.get("box", region.get("points", ()))
    try:
        array = np.asarray(region)
    except ValueError:  # points of unequal length
        array = np.array(None)
    if array.dtype == bool:
        return array
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise ValueError(f"a region is a box, a polygon or a boolean mask, not {region!r:.80}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"region {region!r:.80} contains NaN or infinite numbers")
    if array.shape == (4,) or (array.ndim == 2 and array.shape[1] == 2 and len(array) >= 3):
        return array
    raise ValueError(
        "a region is a box (x0, y0, x1, y1), a polygon [(x, y), ...] of at least three points, or a "
        f"boolean mask (height, width); got numbers of shape {array.shape}"
    )


def _holes(region: Region) -> list[NDArray[np.float64]]:
    """Return the holes of a thing, polygons; none of another region."""
    holes = region.get("holes", ()) if isinstance(region, Mapping) else ()
    return [np.asarray(hole, np.float64) for hole in holes]


def _of_box(
    box: NDArray[np.float64], image_size: tuple[int, int], grid: tuple[int, int], cover: Box
) -> NDArray[np.float32]:
    x0, y0, x1, y1 = box
    if x0 > x1 or y0 > y1:
        raise ValueError(f"box {box.tolist()} is inverted: give x0 <= x1 and y0 <= y1")
    _require_overlap(x0, y0, x1, y1, image_size, f"box {box.tolist()}")
    (rows, cols), (u0, v0, u1, v1) = grid, cover
    # The overlap of the box with each row and column, in patches.
    across = _overlaps((x0 - u0) * cols / (u1 - u0), (x1 - u0) * cols / (u1 - u0), cols)
    down = _overlaps((y0 - v0) * rows / (v1 - v0), (y1 - v0) * rows / (v1 - v0), rows)
    covered = np.outer(down, across)
    return _or_center(covered, (x0 + x1) / 2, (y0 + y1) / 2, cover)


def _overlaps(low: float, high: float, count: int) -> NDArray[np.float64]:
    """Return the overlap of an interval with each of ``count`` cells of length 1, (count,)."""
    edges = np.arange(count)
    overlap: NDArray[np.float64] = np.clip(
        np.minimum(high, edges + 1) - np.maximum(low, edges), 0, None
    )
    return overlap


def _of_polygon(
    points: NDArray[np.float64],
    holes: Sequence[NDArray[np.float64]],
    image_size: tuple[int, int],
    grid: tuple[int, int],
    cover: Box,
    samples: int,
) -> NDArray[np.float32]:
    """Return the coverage of a polygon, sampled at ``samples`` points per patch side."""
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    _require_overlap(x0, y0, x1, y1, image_size, "polygon")
    (rows, cols), (u0, v0, u1, v1) = grid, cover
    x = u0 + (np.arange(cols * samples) + 0.5) * (u1 - u0) / (cols * samples)
    y = v0 + (np.arange(rows * samples) + 0.5) * (v1 - v0) / (rows * samples)
    inside = np.zeros((len(y), len(x)), dtype=bool)
    for ring in (points, *holes):
        for (xi, yi), (xj, yj) in zip(ring, np.roll(ring, 1, axis=0), strict=True):
            crossed = (yi > y) != (yj > y)
            at = (xj - xi) * (y[crossed] - yi) / (yj - yi) + xi
            inside[crossed] ^= x[None, :] < at[:, None]
    center_x, center_y = points.mean(0)
    covered = inside.reshape(rows, samples, cols, samples).mean((1, 3))
    return _or_center(covered, center_x, center_y, cover)


def _checked_mask(mask: NDArray[Any], image_size: tuple[int, int]) -> NDArray[np.bool_]:
    width, height = image_size
    if mask.shape != (height, width):
        raise ValueError(
            f"a mask must have the picture's shape (height, width) = {(height, width)}, not {mask.shape}"
        )
    if not mask.any():
        raise ValueError("the mask is empty: it covers no pixel")
    return mask


def _of_mask(mask: NDArray[np.bool_], grid: tuple[int, int], cover: Box) -> NDArray[np.float32]:
    height, width = mask.shape
    (rows, cols), (u0, v0, u1, v1) = grid, cover
    # The coverage of a patch is the weighted sum of its mask pixels, first along columns, then along rows.
    down = _pixel_weights(height, v0, v1, rows)
    across = _pixel_weights(width, u0, u1, cols)
    covered: NDArray[np.float32] = (down @ mask.astype(np.float64) @ across.T).astype(np.float32)
    return covered


def _pixel_weights(pixels: int, low: float, high: float, patches: int) -> NDArray[np.float64]:
    """Return the fraction of each patch that every pixel takes up along one side, (patches, pixels)."""
    edges = low + np.arange(patches + 1) * (high - low) / patches
    starts = np.arange(pixels)
    overlap: NDArray[np.float64] = np.minimum(edges[1:, None], starts + 1) - np.maximum(
        edges[:-1, None], starts
    )
    np.clip(overlap, 0, None, out=overlap)
    return overlap * patches / (high - low)


def _or_center(covered: NDArray[np.float64], x: float, y: float, cover: Box) -> NDArray[np.float32]:
    """Return the coverage; if it is zero everywhere, cover the patch at (x, y)."""
    shares = covered.astype(np.float32)
    rows, cols = covered.shape
    u0, v0, u1, v1 = cover
    if not shares.any() and u0 <= x <= u1 and v0 <= y <= v1:
        row = min(int((y - v0) * rows / (v1 - v0)), rows - 1)
        shares[row, min(int((x - u0) * cols / (u1 - u0)), cols - 1)] = 1
    return shares


def _require_overlap(
    x0: float, y0: float, x1: float, y1: float, image_size: tuple[int, int], what: str
) -> None:
    width, height = image_size
    beside = x0 < x1 and (x1 <= 0 or x0 >= width)
    above_or_below = y0 < y1 and (y1 <= 0 or y0 >= height)
    if beside or above_or_below or x1 < 0 or y1 < 0 or x0 > width or y0 > height:
        raise ValueError(f"{what} lies outside the picture, which is {width} x {height} pixels")
