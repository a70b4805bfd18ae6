"""Words written on a picture, each on a small chip at its place: inside the picture, none over another."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...core.regions import Box, PixelBox

_TEXT, _SMALLEST = 0.038, 12  # size of the text, of the picture's short side, and in pixels
_GAP = 2  # pixels between chips, and to the picture's border
_FINE = 4  # chips are drawn that much larger, then shrunk, for smooth corners
_INK = "#14161a"
_MISSING = "\U0010fffd"  # a character that no font draws

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Chip:
    """A text to write on a picture.

    Attributes:
        text: what to write. ``otherwise``: what to write where the font lacks its letters.
        place: (x, y) of its middle in pixels, as near as there is room.
        color: behind the text, "#RRGGBB", light enough for dark ink.
        priority: those of higher priority choose their place first.
    """

    text: str
    otherwise: str
    place: tuple[float, float]
    color: str
    priority: float


def draw_chips(picture: Image.Image, chips: Sequence[Chip]) -> Image.Image:
    """Return the picture with the chips on it; those that find no room are left out."""
    out = picture.copy()
    size = max(_SMALLEST, round(_TEXT * min(picture.size)))
    taken: list[PixelBox] = []
    for chip in sorted(chips, key=lambda c: -c.priority):
        drawn = _draw(chip, size)
        others = [c.place for c in chips if c is not chip]
        x, y = chip.place
        _dot(out, (x, y), size / 4, chip.color)
        above = x, y - 0.45 * size - drawn.height / 2
        box = find_room(above, drawn.size, picture.size, taken, others)
        if box is not None:
            taken.append(box)
            out.paste(drawn.convert("RGB"), box[:2], drawn.getchannel("A"))
    return out


def find_room(
    place: tuple[float, float],
    size: tuple[int, int],
    bounds: tuple[int, int],
    taken: Sequence[PixelBox],
    kept_free: Sequence[tuple[float, float]] = (),
) -> PixelBox | None:
    """Return the free box nearest to a place, or ``None`` where there is no room.

    Args:
        place: (x, y) where its middle should lie.
        size: (width, height) of the box.
        bounds: (width, height) of the picture, inside which it must lie.
        taken: boxes that it must not touch.
        kept_free: points that it would rather not cover.
    """
    width, height = size
    xs = np.arange(_GAP, bounds[0] - width - _GAP + 1)
    ys = np.arange(_GAP, bounds[1] - height - _GAP + 1)
    if not len(xs) or not len(ys):
        return None
    # Far fewer places than pixels will do, but always the nearest and the outermost.
    xs, ys = (
        np.unique(np.r_[v[:: max(1, height // 4)], v[-1], np.clip(round(p), v[0], v[-1])])
        for v, p in ((xs, place[0] - width / 2), (ys, place[1] - height / 2))
    )
    left, top = np.meshgrid(xs, ys)
    cost = np.hypot(left + width / 2 - place[0], top + height / 2 - place[1])
    for x, y in kept_free:
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
    """Whether boxes of a size at these corners overlap another box, or come nearer than a gap."""
    x0, y0, x1, y1 = box
    covers: NDArray[np.bool_] = (
        (left < x1 + gap)
        & (left + size[0] > x0 - gap)
        & (top < y1 + gap)
        & (top + size[1] > y0 - gap)
    )
    return covers


def _dot(picture: Image.Image, place: tuple[float, float], radius: float, color: str) -> None:
    """Mark a place."""
    half = round(radius) + 1
    side = 2 * half * _FINE
    large = Image.new("RGBA", (side, side))
    inner = (_FINE, _FINE, side - 1 - _FINE, side - 1 - _FINE)
    ImageDraw.Draw(large).ellipse(inner, color, _INK, max(_FINE, round(0.3 * radius * _FINE)))
    dot = large.resize((2 * half, 2 * half), Image.Resampling.BOX)
    x, y = (round(v) - half for v in place)
    picture.paste(dot.convert("RGB"), (x, y), dot.getchannel("A"))


def _draw(chip: Chip, size: int) -> Image.Image:
    """Return the chip by itself, RGBA."""
    font = ImageFont.load_default(size * _FINE)
    text = _drawable(chip.text, chip.otherwise, font)
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


def _drawable(text: str, otherwise: str, font: Font) -> str:
    """Return the text if the font has its letters, else without accents, else the other text."""
    missing = bytes(font.getmask(_MISSING))
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    for candidate in (text, bare):
        if all(c == " " or bytes(font.getmask(c)) != missing for c in candidate):
            return candidate
    return otherwise
