"""The scale of a tensor's values: normalized for a model, or those of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

_SLACK = 0.01  # how far resampling may overshoot 0..1
_FAR = 0.05  # so far outside of 0..1 are no values of a picture with its normalization undone
_BYTES = 0.07  # of a step of 1/255: the rounding of half precision, and less than chance would give

Statistics = tuple[tuple[float, ...], tuple[float, ...]]  # mean and std of each channel

# Normalizations in use, and whose they are.
KNOWN: Mapping[str, Statistics] = {
    "OpenAI's CLIP": (
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
    "SigLIP": ((0.5,) * 3, (0.5,) * 3),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


@dataclass(frozen=True)
class Scale:
    """What a tensor's values are taken for.

    Attributes:
        normalized: whether for a model; otherwise they are a picture's, in 0..1 or 0..255.
        note: a sentence where that is not certain.
    """

    normalized: bool
    note: str | None = None


def scale_of(pixels: Tensor, own: Statistics) -> Scale:
    """Tell the scale of a picture (1, 3, H, W) of finite floats.

    Pictures have 256 steps, and keep them when they are normalized: where undoing a normalization gives whole
    steps, the tensor was normalized by it. Otherwise the range of the values decides.

    Args:
        pixels: on the CPU.
        own: the model's normalization.
    """
    low, high = (float(v) for v in pixels.aminmax())
    restored = restore(pixels, own)
    if _has_steps(restored):
        return Scale(True)
    found = next(
        (name for name, known in KNOWN.items() if _has_steps(restore(pixels, known))), None
    )
    inside = low >= -_SLACK and high <= 1 + _SLACK
    if found and not (inside and _has_steps(pixels)):
        return Scale(
            True,
            f"The tensor seems to be normalized with the mean and standard deviation of {found}, which are "
            "not this model's; it was taken as it is.",
        )
    if inside:
        return Scale(
            False,
            f"The tensor's values lie within 0..1 ({low:.3g} to {high:.3g}), so it was taken for a picture "
            "and normalized here. If it was normalized before, give "
            "clip.image_processor.from_normalized(tensor).",
        )
    least, most = (float(v) for v in restored.aminmax())
    if low >= 0 and high <= 255 * (1 + _SLACK) and most > 2:
        return Scale(
            False, f"The tensor's values run to {high:.4g}: they were read on the scale 0..255."
        )
    if least < -_FAR or most > 1 + _FAR:
        return Scale(
            True,
            "The tensor was taken as normalized with this model's mean and standard deviation; with that "
            f"undone, its values run from {least:.2f} to {most:.2f} instead of 0 to 1, so it may be another "
            "model's.",
        )
    return Scale(
        True, "The tensor was taken as normalized with this model's mean and standard deviation."
    )


def restore(pixels: Tensor, statistics: Statistics) -> Tensor:
    """Return pixels (1, 3, H, W) with a normalization undone."""
    mean, std = (torch.tensor(v)[:, None, None] for v in statistics)
    return pixels * std + mean


def _has_steps(values: Tensor) -> bool:
    """Return whether values are those of bytes, 0 to 255 in steps of 1/255."""
    steps = values * 255
    whole = steps.round()
    return bool(((steps - whole).abs() <= _BYTES).all() and whole.min() >= 0 and whole.max() <= 255)
