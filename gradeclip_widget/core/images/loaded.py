"""A picture as it was read, with what was assumed in reading it."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture, read.

    Attributes:
        image: upright RGB.
        notes: sentences for the reader: what was assumed of it, and what is wrong with its file.
    """

    image: Image.Image = field(repr=False)
    notes: tuple[str, ...] = ()
