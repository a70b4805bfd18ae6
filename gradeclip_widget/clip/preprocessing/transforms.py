"""What a model's image transform says about itself, and what has to be assumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode

CropMode = Literal["shortest", "squash", "longest"]

_RESIZING = ("Resize", "ResizeKeepRatio", "ResizeMaxSize")
# Steps that fitting a whole picture does in its own way, or that change nothing in an RGB picture.
_REPLACED = {
    *_RESIZING, "CenterCrop", "CenterCropOrPad", "Normalize", "MaybeConvertMode", "MaybeToTensor",
    "MaybePILToTensor", "ToTensor", "PILToTensor", "ToImage", "ToPureTensor", "ConvertImageDtype",
    "ToDtype", "RGB", "_convert_to_rgb", "_convert_image_to_rgb", "convert_to_rgb",
}  # fmt: skip


@dataclass(frozen=True)
class TransformFacts:
    """What is known of an image transform.

    Attributes:
        mean, std, interpolation, crop_mode, short_side: as in `ImageProcessor`.
        notes: what was assumed whichever way a picture is fitted.
        fitting_notes: what was assumed where the transform itself is not run.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: InterpolationMode
    crop_mode: CropMode
    short_side: int | None
    notes: tuple[str, ...]
    fitting_notes: tuple[str, ...]


def read_transform(visual: Any, preprocess: Any) -> TransformFacts:
    """Read an image transform.

    Args:
        visual: the image tower, whose configuration may have a mean and a standard deviation.
        preprocess: the transform.

    Raises:
        ValueError: neither says how pixels are normalized, or ``preprocess`` cannot be called.
    """
    found = list(_steps(preprocess))
    steps = {_name(step): step for step in found}
    normalize = steps.get("Normalize")
    resize = next((steps[name] for name in _RESIZING if name in steps), None)
    own, configured = _statistics(normalize, ""), _statistics(visual, "image_")
    statistics = own or configured
    if statistics is None or not callable(preprocess):
        raise ValueError(
            "preprocess must be the model's own image transform with a Normalize step, as "
            "open_clip.create_model_and_transforms returns it; got " + repr(preprocess)
        )
    notes, fitting = [], []
    if own and configured and not _same(own, configured):
        notes.append(
            f"The preprocessing given normalizes with mean {_numbers(own[0])} and standard deviation "
            f"{_numbers(own[1])}; the model's configuration has {_numbers(configured[0])} and "
            f"{_numbers(configured[1])}."
        )
    if own is None:
        fitting.append(
            "The preprocessing given has no Normalize step that can be read: mean and standard deviation of "
            "the model's configuration were used."
        )
    interpolation = _interpolation(resize)
    if interpolation is None:
        fitting.append(
            "The preprocessing given has no step that says how it resizes: bicubic was used."
        )
    if unknown := dict.fromkeys(name for name in map(_name, found) if name not in _REPLACED):
        fitting.append(
            f"These steps of the preprocessing given were left out: {', '.join(unknown)}. fit='crop' runs "
            "all of it."
        )
    size = getattr(resize, "size", None)
    sides = [size] if isinstance(size, int) else list(size or ())
    mode: CropMode = "shortest"
    if len(sides) == 2 and "Resize" in steps:
        mode = "squash"
    elif "CenterCropOrPad" in steps:
        mode = "longest"
    return TransformFacts(
        *statistics,
        interpolation=interpolation or InterpolationMode.BICUBIC,
        crop_mode=mode,
        short_side=int(sides[0]) if len(sides) == 1 else None,
        notes=tuple(notes),
        fitting_notes=tuple(fitting),
    )


def _steps(transform: Any) -> Iterator[Any]:
    """Yield the steps of a transform, those of nested ones in their place."""
    inner = getattr(transform, "transforms", None)
    if inner is None and hasattr(transform, "children") and list(transform.children()):
        inner = list(transform.children())  # of a `torch.nn.Sequential`
    for step in inner or ():
        if _name(step) in ("Compose", "Sequential"):
            yield from _steps(step)
        else:
            yield step


def _name(step: Any) -> str:
    """Return the name of a step's class, or of a function."""
    return str(getattr(step, "__name__", type(step).__name__))


def _statistics(holder: Any, prefix: str) -> Statistics | None:
    """Return mean and standard deviation of each channel, or ``None`` where there are none."""
    values = [getattr(holder, prefix + name, None) for name in ("mean", "std")]
    if any(value is None for value in values):
        return None
    mean, std = (_channels(value) for value in values)
    return mean, std


def _same(own: Statistics, other: Statistics) -> bool:
    """Return whether two normalizations are the same in float32."""
    pairs = zip((*own[0], *own[1]), (*other[0], *other[1]), strict=True)
    return all(math.isclose(a, b, rel_tol=1e-5) for a, b in pairs)


def _channels(values: Any) -> tuple[float, ...]:
    listed = values.tolist() if hasattr(values, "tolist") else values
    listed = listed if isinstance(listed, Sequence) else [listed] * 3
    return tuple(map(float, listed))


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"


def _interpolation(resize: Any) -> InterpolationMode | None:
    """Return how a step resizes, or ``None`` where it does not say."""
    mode = getattr(resize, "interpolation", None)
    if isinstance(mode, str):
        names = {m.value: m for m in InterpolationMode}
        return names.get(mode.lower())
    return mode if isinstance(mode, InterpolationMode) else None


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
