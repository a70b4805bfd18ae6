"""Erase a region of a picture, to see how much the score falls without it. NumPy and PIL only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..core import regions
from ..core.regions import Region

ERASURES = ("blur", "mean", "noise")


def erase(image: Image.Image, region: Region, how: str = "blur", seed: int = 0) -> Image.Image:
    """Return a copy of a picture with a region erased; pixels outside the region do not change.

    Args:
        image: the picture, converted to RGB.
        region: a box, polygon or mask in its pixels, as in `Explanation.region_words`.
        how: ``"blur"`` until only the region's colors remain, fill with the ``"mean"`` color of the rest, or
            with ``"noise"`` that has the mean and standard deviation of the rest in every channel.
        seed: seed of the noise.

    Raises:
        ValueError: ``how`` is unknown, or the region covers no pixel of the picture.
    """
    if how not in ERASURES:
        raise ValueError(f"how={how!r}: use one of {', '.join(map(repr, ERASURES))}")
    inside = regions.pixels(region, image.size)
    before = np.asarray(image.convert("RGB"))
    after = before.copy()
    rest = before[~inside] if not inside.all() else before[inside]
    if how == "blur":
        after[inside] = _blurred(image.convert("RGB"), inside)[inside]
    elif how == "mean":
        after[inside] = np.rint(rest.mean(0))
    else:
        noise = np.random.default_rng(seed).normal(rest.mean(0), rest.std(0), (inside.sum(), 3))
        after[inside] = np.rint(noise).clip(0, 255)
    return Image.fromarray(after)


def _blurred(image: Image.Image, inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the picture blurred with a radius of half the region's longer side, so that no shape remains."""
    sides = [int(np.ptp(np.flatnonzero(inside.any(axis)))) + 1 for axis in (0, 1)]
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(sides) / 2)))
