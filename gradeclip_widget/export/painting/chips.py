"""Words on small chips, drawn on a picture without overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...core.regions import Box, PixelBox
from .fonts import drawable, font_for

# Size of the text as a fraction of the picture's short side, and its minimum in pixels.
_TEXT, _SMALLEST = 0.038, 12
_GAP = 2  # pixels between chips, and between a chip and the border
_FINE = 4  # scale at which chips are drawn, then shrunk for smooth corners
_INK = "#14161a"


@dataclass(frozen=True)
class Chip:
    """A text to write on a picture.

    Attributes:
        text: the text. ``otherwise``: the text if no font has all its letters.
        place: (x, y) in pixels that it names.
        color: of the background, "#RRGGBB", light enough for dark text.
        priority: chips of higher priority are placed first.
    """

    text: str
    otherwise: str
    place: tuple[float, float]
    color: str
    priority: float


def draw_chips(picture: Image.Image, chips: Sequence[Chip]) -> Image.Image:
    """Return the picture with the chips on it; chips that do not fit are left out."""
    out = picture.copy()
    size = text_size(picture.size)
    drawn = [_draw(chip, size) for chip in chips]
    boxes = lay_out(chips, [image.size for image in drawn], picture.size)
    placed = zip(chips, drawn, boxes, strict=True)
    for chip, image, box in sorted(placed, key=lambda c: -c[0].priority):
        _dot(out, chip.place, size / 4, chip.color)
        if box is not None:
            out.paste(image.convert("RGB"), box[:2], image.getchannel("A"))
    return out


def text_size(picture: tuple[int, int]) -> int:
    """Return the text size of chips in pixels for a picture of (width, height)."""
    return max(_SMALLEST, round(_TEXT * min(picture)))


def lay_out(
    chips: Sequence[Chip], sizes: Sequence[tuple[int, int]], bounds: tuple[int, int]
) -> list[PixelBox | None]:
    """Return the box of each chip, above the place that it names and away from the other chips.

    Args:
        chips: the chips; those of higher priority are placed first.
        sizes: (width, height) of each.
        bounds: (width, height) of the picture.

    Returns:
        A box for each chip, or ``None`` if it does not fit.
    """
    text = text_size(bounds)
    boxes: list[PixelBox | None] = [None] * len(chips)
    for n in sorted(range(len(chips)), key=lambda n: -chips[n].priority):
        (x, y), other_places = chips[n].place, [c.place for c in chips if c is not chips[n]]
        above = x, y - 0.45 * text - sizes[n][1] / 2
        boxes[n] = find_room(
            above, sizes[n], bounds, [b for b in boxes if b is not None], other_places
        )
    return boxes


def find_room(
    place: tuple[float, float],
    size: tuple[int, int],
    bounds: tuple[int, int],
    taken: Sequence[PixelBox],
    avoided: Sequence[tuple[float, float]] = (),
) -> PixelBox | None:
    """Return the free box closest to a place, or ``None`` if none fits.

    Args:
        place: (x, y) that its center should be close to.
        size: (width, height) of the box.
        bounds: (width, height) of the picture, inside which it must lie.
        taken: boxes that it must not touch.
        avoided: points that it should not cover if another box is nearly as close.
    """
    width, height = size
    xs = np.arange(_GAP, bounds[0] - width - _GAP + 1)
    ys = np.arange(_GAP, bounds[1] - height - _GAP + 1)
    if not len(xs) or not len(ys):
        return None
    # A coarse grid of places is enough if it includes the closest place and the borders.
    xs, ys = (
        np.unique(np.r_[v[:: max(1, height // 4)], v[-1], np.clip(round(p), v[0], v[-1])])
        for v, p in ((xs, place[0] - width / 2), (ys, place[1] - height / 2))
    )
    left, top = np.meshgrid(xs, ys)
    cost = np.hypot(left + width / 2 - place[0], top + height / 2 - place[1])
    for x, y in avoided:
        cost += width * _covers(left, top, size, (x, y, x, y), 0)
    for box in taken:
        cost[_covers(left, top, size, box, _GAP)] = np.inf
    best = np.unravel_index(cost.argmin(), cost.shape)
    if not np.isfinite(cost[best]):
        return None
    x, y = int(left[best]), int(top[best])
    return x, y, x + width, y + height


def _covers(
    left: NDArray[np.int_],
    top: NDArray[np.int_],
    size: tuple[int, int],
    box: Box,
    gap: int,
) -> NDArray[np.bool_]:
    """Return whether boxes of a size at these corners overlap another box, enlarged by a gap."""
    x0, y0, x1, y1 = box
    covers: NDArray[np.bool_] = (
        (left < x1 + gap)
        & (left + size[0] > x0 - gap)
        & (top < y1 + gap)
        & (top + size[1] > y0 - gap)
    )
    return covers


def _dot(picture: Image.Image, place: tuple[float, float], radius: float, color: str) -> None:
    """Draw a dot at a place."""
    half = round(radius) + 1
    side = 2 * half * _FINE
    large = Image.new("RGBA", (side, side))
    inner = (_FINE, _FINE, side - 1 - _FINE, side - 1 - _FINE)
    ImageDraw.Draw(large).ellipse(inner, color, _INK, max(_FINE, round(0.3 * radius * _FINE)))
    dot = large.resize((2 * half, 2 * half), Image.Resampling.BOX)
    x, y = (round(v) - half for v in place)
    picture.paste(dot.convert("RGB"), (x, y), dot.getchannel("A"))


def _draw(chip: Chip, size: int) -> Image.Image:
    """Return the chip as an RGBA image."""
    font = font_for((chip.text,), size * _FINE)
    text = drawable(chip.text, chip.otherwise, font)
    x0, _, x1, _ = font.getbbox(text)
    margin, height = round(0.45 * size), round(1.5 * size)
    width = round((x1 - x0) / _FINE) + 2 * margin
    large = Image.new("RGBA", (width * _FINE, height * _FINE))
    draw = ImageDraw.Draw(large)
    corners = (0, 0, large.width - 1, large.height - 1)
    draw.rounded_rectangle(
        corners, 0.4 * size * _FINE, chip.color, _INK, round(0.08 * size * _FINE)
    )
    draw.text((large.width / 2, large.height / 2), text, _INK, font, "mm")
    return large.resize((width, height), Image.Resampling.BOX)
