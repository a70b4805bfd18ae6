"""A warning above a picture: what has to be read before anything else."""

from __future__ import annotations

import textwrap

from PIL import Image, ImageDraw

from ..painting.fonts import Font, font_for
from .lettering import INK

GROUND = "#ffd166"  # amber: no hue of a word, and dark text is easy to read on it
LEADING, PAD = 1.4, 0.8  # of the text size: from line to line, and around the text


def with_banner(picture: Image.Image, text: str | None, size: float) -> Image.Image:
    """Return a picture with a warning above it, as wide as the picture; itself where there is none.

    Args:
        picture: RGB.
        text: the warning, or ``None``.
        size: of the text, in pixels.
    """
    if text is None:
        return picture
    font = font_for(tuple(text.split()), size)
    lines = wrapped(text, font, picture.width - 2 * PAD * size)
    height = banner_height(len(lines), size)
    out = Image.new("RGB", (picture.width, height + picture.height), GROUND)
    draw = ImageDraw.Draw(out)
    for n, line in enumerate(lines):
        draw.text((PAD * size, (PAD + (n + 0.5) * LEADING) * size), line, INK, font, "lm")
    out.paste(picture, (0, height))
    return out


def banner_height(lines: int, size: float) -> int:
    """Return the height in pixels of a banner of so many lines of text."""
    return round((2 * PAD + lines * LEADING) * size)


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Return the lines of a text that fit a width in pixels; a word that is wider stands alone."""
    longest = max(1, len(text))
    while longest > 1:
        lines = textwrap.wrap(text, longest, break_long_words=False, break_on_hyphens=False)
        if all(font.getlength(line) <= width or " " not in line for line in lines):
            return lines
        longest -= 1
    return text.split()
