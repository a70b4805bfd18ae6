"""Regions of a picture as fractions of its patches. `js/src/core/arithmetic.ts` computes the same."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in image pixels
PixelBox = tuple[int, int, int, int]  # the same in whole pixels
Region = Sequence[float] | Sequence[Sequence[float]] | NDArray[Any] | Mapping[str, Any]

OF_COCO = "COCO's boxes are (x, y, width, height): give (x, y, x + width, y + height)"
_SAMPLES = 8  # points per patch side at which a polygon is tested
_FEW = 8  # pixels; in larger pictures a region within the first pixel is one in fractions of the picture
_WHOLE = 0.995  # share of a region from which no note says that the model saw only a part of it


class RegionWarning(UserWarning):
    """Warning that the model did not see a region of the picture, or only a part of it."""


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
        All values are 0 if the model did not see the region; see `seen_share`.

    Raises:
        ValueError: the region is malformed, lies outside the picture, or is in fractions of the picture.
    """
    array = _numbers(region)
    if array.dtype == bool:
        return _of_mask(_checked_mask(array, image_size), grid, cover)
    check_pixels(array, image_size)
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
    check_pixels(array, image_size)
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


def seen_share(region: Region, image_size: tuple[int, int], cover: Box) -> float:
    """Return the fraction of a region's area in the picture that the model saw, 0 to 1.

    Args:
        region: as in `coverage`.
        image_size: (width, height) of the picture.
        cover: box of the picture that the model saw.

    Raises:
        ValueError: as `coverage`.
    """
    width, height = image_size
    array = _numbers(region)
    grid = (_SAMPLES, _SAMPLES)
    if array.dtype == bool:
        around = (0.0, 0.0, float(width), float(height))
    else:
        (x0, y0), (x1, y1) = array.reshape(-1, 2).min(0), array.reshape(-1, 2).max(0)
        around = _common((x0, y0, x1, y1), (0.0, 0.0, float(width), float(height)))
    if _area(around) == 0:  # a line or a point
        return float(coverage(region, image_size, grid, cover).any())
    seen = _common(around, cover)
    if _area(seen) == 0:
        coverage(region, image_size, grid, cover)  # raises if the region is not valid
        return 0.0
    whole = float(coverage(region, image_size, grid, around).mean()) * _area(around)
    part = float(coverage(region, image_size, grid, seen).mean()) * _area(seen)
    return min(1.0, part / whole) if whole > 0 else float(part > 0)


def note_on_seen(region: Region, image_size: tuple[int, int], cover: Box) -> str | None:
    """Return a sentence if the model saw only a part of a region, or none of it; else ``None``.

    Args:
        region: as in `coverage`.
        image_size: (width, height) of the picture.
        cover: box of the picture that the model saw.

    Raises:
        ValueError: as `coverage`.
    """
    share = seen_share(region, image_size, cover)
    if share == 0:
        return f"The model did not see this part of the picture: {describe_cut(image_size, cover)}."
    if share < _WHOLE:
        part = "less than 1" if share < 0.01 else f"{100 * share:.0f}"
        return f"The model saw {part} % of this region: {describe_cut(image_size, cover)}."
    return None


def describe_cut(image_size: tuple[int, int], cover: Box) -> str:
    """Return how the preprocessing cut a picture, as the end of a sentence."""
    box = ", ".join(f"{v:.0f}" for v in _common(cover, (0, 0, *image_size)))
    width, height = image_size
    return f"its preprocessing cut the picture of {width} x {height} pixels to the box ({box})"


def seen_coverage(
    region: Region, image_size: tuple[int, int], grid: tuple[int, int], cover: Box
) -> NDArray[np.float32]:
    """Return `coverage`, but NaN everywhere if the model did not see the region.

    Warns:
        RegionWarning: the model saw only a part of the region, or none of it; or the region reaches beyond
            the picture, where nothing counts.
    """
    covered = coverage(region, image_size, grid, cover)
    if note := note_on_seen(region, image_size, cover) or _note_beyond(region, image_size, cover):
        warnings.warn(note, RegionWarning, stacklevel=4)
    return covered if covered.any() else np.full_like(covered, np.nan)


def check_pixels(region: Region, image_size: tuple[int, int] | None) -> None:
    """Check that a box or polygon is in pixels, not in fractions of the picture.

    Args:
        region: as in `coverage`.
        image_size: (width, height) of the picture; ``None`` if it is not known.

    Raises:
        ValueError: all its numbers are between 0 and 1, and the picture is larger than a few pixels.
    """
    array = _numbers(region)
    within = array.dtype != bool and bool((array >= 0).all() and (array <= 1).all())
    if not within or (image_size is not None and max(image_size) <= _FEW):
        return
    what = "box" if array.ndim == 1 else "polygon"
    numbers = ", ".join(f"{v:g}" for v in array[:4]) if what == "box" else f"{len(array)} points"
    size = "" if image_size is None else f", {image_size[0]} and {image_size[1]}"
    raise ValueError(
        f"{what} ({numbers}) looks like fractions of the picture; give pixels: multiply by its width and "
        f"height{size}"
    )


def check_box(box: Box, image_size: tuple[int, int]) -> None:
    """Check that a box overlaps its picture.

    Raises:
        ValueError: it lies outside, or is inverted; the message names the box and the picture's size.
    """
    _require_box(np.asarray(box, np.float64), image_size)


def _note_beyond(region: Region, image_size: tuple[int, int], cover: Box) -> str | None:
    """Return a sentence if a region reaches more than a pixel beyond the picture and the patches."""
    array = _numbers(region)
    if array.dtype == bool:
        return None
    low, high = array.reshape(-1, 2).min(0), array.reshape(-1, 2).max(0)
    if (low >= np.minimum(cover[:2], 0) - 1).all() and (
        high <= np.maximum(cover[2:], image_size) + 1
    ).all():
        return None
    width, height = image_size
    return f"This region reaches beyond the picture of {width} x {height} pixels: only the part in it counts."


def _common(one: Box, other: Box) -> Box:
    """Return the common part of two boxes; its area is 0 if they have none."""
    x0, y0 = max(one[0], other[0]), max(one[1], other[1])
    return x0, y0, max(x0, min(one[2], other[2])), max(y0, min(one[3], other[3]))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


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
    _require_box(box, image_size)
    x0, y0, x1, y1 = box
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


def _require_box(box: NDArray[np.float64], image_size: tuple[int, int]) -> None:
    """Check that a box is not inverted and overlaps the picture."""
    x0, y0, x1, y1 = box.tolist()
    text = f"box ({x0:g}, {y0:g}, {x1:g}, {y1:g})"
    if x0 > x1 or y0 > y1:
        raise ValueError(
            f"{text} is inverted: give (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1. {OF_COCO}"
        )
    _require_overlap(x0, y0, x1, y1, image_size, text)


def _require_overlap(
    x0: float, y0: float, x1: float, y1: float, image_size: tuple[int, int], what: str
) -> None:
    width, height = image_size
    beside = x0 < x1 and (x1 <= 0 or x0 >= width)
    above_or_below = y0 < y1 and (y1 <= 0 or y0 >= height)
    if beside or above_or_below or x1 < 0 or y1 < 0 or x0 > width or y0 > height:
        raise ValueError(f"{what} lies outside the picture, which is {width} x {height} pixels")
