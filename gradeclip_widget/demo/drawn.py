"""Whether a picture is a drawing like those that the embedded model was trained on, or foreign to it.

A photograph has fine texture almost everywhere, a drawing has even areas and edges. A logistic regression on
the mean and the standard deviation of the channels of the model's first layers over the picture distinguishes
them. Its 513 numbers are in a file next to this one. They depend on the weights of the model:
`training.drawn_rule` computes them again after further training.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from ..core.explanation_data import FOR_PHOTOGRAPHS, MEGABYTES
from .trunk import IMAGE_SIZE

RULE = Path(__file__).with_name("drawn.safetensors")
FOREIGN = (
    "This model knows drawings only, and this picture is unlike them: what it shows here means nothing. For "
    f'photographs: model="{FOR_PHOTOGRAPHS}" (a download of {MEGABYTES} MB).'
)
READ_AFTER = (2, 6, 9)  # positions in the stem: after layers of 32, 64 and 160 channels


def are_foreign(model: Any, pixels: Tensor) -> list[bool]:
    """Return for each picture whether it is unlike the drawings that the embedded model was trained on.

    Args:
        model: the embedded model.
        pixels: (B, 3, H, W) its normalized input, on its device.
    """
    rule = _rule()
    scores = statistics(model, pixels) @ rule["weight"].to(pixels.device)
    foreign: list[bool] = (scores + float(rule["bias"]) > 0).tolist()
    return foreign


@torch.no_grad()
def statistics(model: Any, pixels: Tensor) -> Tensor:
    """Return mean and standard deviation over the picture of 256 channels of the stem, (B, 512).

    Args:
        model: the embedded model, in evaluation mode.
        pixels: (B, 3, H, W) its normalized input; it is resized if its short side is not the model's.
    """
    short = min(pixels.shape[-2:])
    if short != IMAGE_SIZE:
        size = [max(IMAGE_SIZE, round(side * IMAGE_SIZE / short)) for side in pixels.shape[-2:]]
        pixels = F.interpolate(pixels, size, mode="bicubic", antialias=True)
    parts = []
    with torch.autocast(pixels.device.type, enabled=False):
        stem = list(model.visual.trunk.patch_embed.backbone)[: READ_AFTER[-1] + 1]
        values = pixels.to(next(stem[0].parameters()).dtype)
        for n, layer in enumerate(stem):
            values = layer(values)
            if n in READ_AFTER:
                parts += [values.float().mean((2, 3)), values.float().std((2, 3))]
    return torch.cat(parts, 1)


@cache
def _rule() -> dict[str, Tensor]:
    """Return the regression: weight (512,) and bias (1,)."""
    return load_file(RULE)
