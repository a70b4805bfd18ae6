"""Pictures of single things: packed emoji artwork, and colored shapes drawn in code."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

PACK = Path(__file__).with_name("sprites.zip")
DRAWN_SIDE = 640  # pixels of a shape before it is scaled down


class Artwork:
    """The sprites of one or more packs, decoded on first use.

    Args:
        packs: zip files written by `training.render_artwork`.
    """

    def __init__(self, packs: Sequence[Path] = (PACK,)) -> None:
        self._files: dict[tuple[str, str], bytes] = {}  # (word, style) -> WebP
        self._decoded: dict[tuple[str, str], Image.Image] = {}
        for pack in packs:
            with zipfile.ZipFile(pack) as archive:
                for entry in archive.namelist():
                    style, word = entry.removesuffix(".webp").split("/")
                    self._files[word, style] = archive.read(entry)
        self._styles: dict[str, list[str]] = {}
        for word, style in sorted(self._files):
            self._styles.setdefault(word, []).append(style)

    @property
    def styles(self) -> tuple[str, ...]:
        """All drawing styles, sorted."""
        return tuple(sorted({style for _, style in self._files}))

    def styles_of(self, word: str) -> Sequence[str]:
        """Return the styles in which a word is drawn."""
        return self._styles.get(word, ())

    def sprite(self, word: str, style: str) -> Image.Image:
        """Return the square RGBA picture of a word in a style."""
        if (word, style) not in self._decoded:
            picture = Image.open(io.BytesIO(self._files[word, style])).convert("RGBA")
            self._decoded[word, style] = picture
        return self._decoded[word, style]


@cache
def package_artwork() -> Artwork:
    """Return the artwork of the package."""
    return Artwork()


def draw_shape(name: str, rgb: tuple[int, int, int]) -> Image.Image:
    """Return a square RGBA picture of one of :data:`~gradeclip_widget.demo.world.SHAPES`."""
    picture = Image.new("RGBA", (DRAWN_SIDE // 2, DRAWN_SIDE // 2), (*rgb, 255))
    picture.putalpha(_shape_mask(name))
    return picture


@cache
def _shape_mask(name: str) -> Image.Image:
    side, unit = DRAWN_SIDE, DRAWN_SIDE // 320
    pad, inset, waist = 8 * unit, 14 * unit, 30 * unit
    middle, far = side / 2, side - pad
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    if name == "circle":
        draw.ellipse((pad, pad, far, far), fill=255)
    elif name == "square":
        draw.rectangle((pad + inset, pad + inset, far - inset, far - inset), fill=255)
    elif name == "triangle":
        draw.polygon([(middle, pad), (far, far - 2 * pad), (pad, far - 2 * pad)], fill=255)
    elif name == "diamond":
        draw.polygon(
            [(middle, pad), (far - waist, middle), (middle, far), (pad + waist, middle)], fill=255
        )
    elif name == "star":
        draw.polygon([_star_point(k, middle, middle - pad) for k in range(10)], fill=255)
    elif name == "heart":
        draw.polygon([_heart_point(k / 80, side) for k in range(80)], fill=255)
    else:
        raise ValueError(f"no shape is called {name!r}")
    return mask.resize((side // 2, side // 2), Image.Resampling.LANCZOS)


def _star_point(k: int, middle: float, radius: float) -> tuple[int, int]:
    angle = k * math.pi / 5 - math.pi / 2
    radius *= 0.42 if k % 2 else 1.0
    # Rounded to whole pixels, since the last bits of sin and cos differ between platforms.
    return round(middle + radius * math.cos(angle)), round(middle + radius * math.sin(angle))


def _heart_point(turn: float, side: int) -> tuple[int, int]:
    t = 2 * math.pi * turn
    across = 16 * math.sin(t) ** 3
    up = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
    return round(side / 2 + across * side / 36), round(side / 2 - up * side / 36 - side * 6 / 320)
