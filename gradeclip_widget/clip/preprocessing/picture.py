"""Pictures ready for an image tower, and the ways of fitting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image
from torch import Tensor

from ...core.regions import Box

Fit = Literal["whole", "crop", "squash"]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture ready for an image tower.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        pixels: the tower's input, normalized (1, 3, H, W) on the CPU.
        cover: box of ``image`` that ``pixels`` show, and the patch grid divides.
        notes: sentences for the reader on how it was fitted.
    """

    image: Image.Image
    pixels: Tensor
    cover: Box
    notes: tuple[str, ...] = ()
