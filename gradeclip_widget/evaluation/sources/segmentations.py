"""Masks of COCO's segmentations. Every number is checked first: a coordinate of 1e9 crashes pycocotools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..pointing import Mask

# Pixels along the outlines of polygons; pycocotools allocates about 100 bytes for each.
_LONGEST_OUTLINE = 1_000_000
# Characters of a compressed count: five bits each from "0" on, with a sign and whether more follow.
_ZERO, _BITS, _MORE, _SIGN, _MOST_CHARACTERS = 48, 5, 0x20, 0x10, 7


def mask_of(segmentations: Sequence[Any], size: tuple[int, int]) -> Mask:
    """Return the pixels (height, width) of any of the segmentations, in a picture.

    Args:
        segmentations: of annotations; each is a list of polygons, or run lengths, compressed or not.
        size: (width, height) of the picture.

    Raises:
        ValueError: one is malformed, or does not fit the picture.
        ModuleNotFoundError: polygons need pycocotools.
    """
    width, height = size
    mask = np.zeros((height, width), bool)
    polygons: list[list[float]] = []
    for segmentation in segmentations:
        if isinstance(segmentation, dict):
            mask |= _of_runs(segmentation, size)
        elif isinstance(segmentation, list) and segmentation:
            polygons += segmentation
        else:
            raise ValueError(f"{segmentation!r:.60} is neither a list of polygons nor run lengths")
    for polygon in polygons:
        _check_polygon(polygon, size)
    if sum(map(_outline, polygons)) > _LONGEST_OUTLINE:
        raise ValueError(f"{len(polygons)} polygons have a very long outline")
    if polygons:
        from pycocotools import mask as coco

        mask |= coco.decode(coco.merge(coco.frPyObjects(polygons, height, width))) > 0
    return mask


def _of_runs(segmentation: dict[str, Any], size: tuple[int, int]) -> Mask:
    """Return the mask of run lengths, which go down the columns and begin outside of the mask."""
    width, height = size
    if segmentation.get("size") != [height, width]:
        raise ValueError(f"its size is {segmentation.get('size')!r:.60}, not {[height, width]}")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _decompressed(counts)
    if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
        raise ValueError(f"its counts {counts!r:.60} are not numbers of pixels")
    if sum(counts) != width * height:
        raise ValueError(
            f"its counts add up to {sum(counts)} pixels; the picture has {width * height}"
        )
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape((height, width), order="F")


def _decompressed(text: str) -> list[int]:
    """Return the run lengths in COCO's compressed text; from the fourth on, it has differences.

    Raises:
        ValueError: the text ends within a count, or has another character.
    """
    counts, value, place = list[int](), 0, 0
    for character in text:
        code = ord(character) - _ZERO
        if not 0 <= code < 2 * _MORE or place > _MOST_CHARACTERS:
            raise ValueError(f"its counts {text!r:.60} are not compressed run lengths")
        value |= (code & (_MORE - 1)) << (_BITS * place)
        place += 1
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << (_BITS * place)
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = place = 0
    if place:
        raise ValueError(f"its counts {text!r:.60} end within a number")
    return counts


def _check_polygon(polygon: Any, size: tuple[int, int]) -> None:
    """Check that a polygon is a list of finite coordinates x, y, ... not far outside of the picture.

    Corners may lie outside, by up to the picture's size; pycocotools cuts the mask at the edges.
    """
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"{polygon!r:.60} is not a polygon (x, y of three or more corners)")
    if not all(type(n) in (int, float) and abs(n) < math.inf for n in polygon):
        raise ValueError(f"the polygon {polygon!r:.60} has other items than numbers")
    for values, side in ((polygon[::2], size[0]), (polygon[1::2], size[1])):
        for value in (min(values), max(values)):
            if not -side <= value <= 2 * side:
                raise ValueError(
                    f"a polygon has a corner at {value!s:.20}; the picture has {size[0]} x {size[1]} pixels"
                )


def _outline(polygon: Sequence[float]) -> float:
    """Return the length of a polygon's outline in pixels, in steps to the side or the diagonal."""
    points = list(zip(polygon[::2], polygon[1::2], strict=True))
    points.append(points[0])
    return sum(max(abs(x1 - x0), abs(y1 - y0)) for (x0, y0), (x1, y1) in pairwise(points))
