"""What is known of a model's image transform, and whether a tensor was normalized by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor
from torchvision.transforms import InterpolationMode

CropMode = Literal["shortest", "squash", "longest"]
Statistics = tuple[tuple[float, ...], tuple[float, ...]]  # mean and std of each channel

_RESIZING = ("Resize", "ResizeKeepRatio", "ResizeMaxSize")
# Steps that `ImageProcessor` replaces when it fits a whole picture, or that do not change an RGB picture.
_REPLACED = {
    *_RESIZING, "CenterCrop", "CenterCropOrPad", "Normalize", "MaybeConvertMode", "MaybeToTensor",
    "MaybePILToTensor", "ToTensor", "PILToTensor", "ToImage", "ToPureTensor", "ConvertImageDtype",
    "ToDtype", "RGB", "_convert_to_rgb", "_convert_image_to_rgb", "convert_to_rgb",
}  # fmt: skip

_SLACK = 0.01  # by which resampling may exceed 0..1
_FAR = 0.05  # values this far outside 0..1 show that this normalization was not the one used
_BYTES = (
    0.07  # of a step of 1/255: above the rounding of half precision, below what chance would give
)

# Common normalizations, and the models that use them.
KNOWN: Mapping[str, Statistics] = {
    "OpenAI's CLIP": (
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
    "SigLIP": ((0.5,) * 3, (0.5,) * 3),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


@dataclass(frozen=True)
class TransformFacts:
    """What is known of an image transform.

    Attributes:
        mean, std, interpolation, crop_mode, short_side: as in `ImageProcessor`.
        notes: sentences on what was assumed, for every way of fitting a picture.
        fitting_notes: the same for ways of fitting that do not run the transform itself.
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
        ValueError: neither of them has a mean and a standard deviation, or ``preprocess`` cannot be called.
    """
    every_step = list(_steps(preprocess))
    steps = {_name(step): step for step in every_step}
    normalize = steps.get("Normalize")
    resize = next((steps[name] for name in _RESIZING if name in steps), None)
    stated, configured = _statistics(normalize, ""), _statistics(visual, "image_")
    statistics = stated or configured
    if statistics is None or not callable(preprocess):
        hint = ""
        if hasattr(preprocess, "encode") or hasattr(preprocess, "tokenize"):
            hint = ", a tokenizer: the order is gw.ClipModel(model, preprocess, tokenizer)"
        elif isinstance(preprocess, tuple | list):
            hint = ": give the one for inference, the last that create_model_and_transforms returns"
        raise ValueError(
            "preprocess must be the model's own image transform with a Normalize step, as "
            f"open_clip.create_model_and_transforms returns it; got {preprocess!r:.80}{hint}"
        )
    notes, fitting = [], []
    if stated and configured and not _same(stated, configured):
        notes.append(
            f"The preprocessing normalizes with mean {_numbers(stated[0])} and standard deviation "
            f"{_numbers(stated[1])}; the model's configuration has {_numbers(configured[0])} and "
            f"{_numbers(configured[1])}."
        )
    if stated is None:
        fitting.append(
            "The preprocessing has no Normalize step that can be read: mean and standard deviation of the "
            "model's configuration were used."
        )
    interpolation = _interpolation(resize)
    if interpolation is None:
        fitting.append(
            "The preprocessing has no step with a known interpolation: bicubic was used."
        )
    if unknown := dict.fromkeys(name for name in map(_name, every_step) if name not in _REPLACED):
        fitting.append(
            f"These steps of the preprocessing were left out: {', '.join(unknown)}. fit='crop' runs all "
            "steps."
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
    """Yield the steps of a transform in order, including those of nested transforms."""
    inner = getattr(transform, "transforms", None)
    if inner is None and hasattr(transform, "children") and list(transform.children()):
        inner = list(transform.children())  # a `torch.nn.Sequential`
    for step in inner or ():
        if _name(step) in ("Compose", "Sequential"):
            yield from _steps(step)
        else:
            yield step


def _name(step: Any) -> str:
    """Return the name of a step's class, or of a function."""
    return str(getattr(step, "__name__", type(step).__name__))


def _statistics(holder: Any, prefix: str) -> Statistics | None:
    """Return mean and standard deviation of each channel, or ``None`` if ``holder`` has none."""
    values = [getattr(holder, prefix + name, None) for name in ("mean", "std")]
    if any(value is None for value in values):
        return None
    mean, std = (_channels(value) for value in values)
    return mean, std


def _same(first: Statistics, second: Statistics) -> bool:
    """Return whether two normalizations are the same in float32."""
    pairs = zip((*first[0], *first[1]), (*second[0], *second[1]), strict=True)
    return all(math.isclose(a, b, rel_tol=1e-5) for a, b in pairs)


def _channels(values: Any) -> tuple[float, ...]:
    listed = values.tolist() if hasattr(values, "tolist") else values
    listed = listed if isinstance(listed, Sequence) else [listed] * 3
    return tuple(map(float, listed))


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"


def _interpolation(resize: Any) -> InterpolationMode | None:
    """Return how a step resizes, or ``None`` if that is unknown."""
    mode = getattr(resize, "interpolation", None)
    if isinstance(mode, str):
        names = {m.value: m for m in InterpolationMode}
        return names.get(mode.lower())
    return mode if isinstance(mode, InterpolationMode) else None


@dataclass(frozen=True)
class Scale:
    """How a tensor's values are interpreted.

    Attributes:
        normalized: whether for a model; otherwise they are those of a picture, in 0..1 or 0..255.
        note: a sentence for the user if that is not certain.
    """

    normalized: bool
    note: str | None = None


def scale_of(pixels: Tensor, statistics: Statistics) -> Scale:
    """Decide whether a tensor is a picture or normalized for a model.

    Pictures have 256 levels, and keep them when they are normalized: if undoing a normalization gives whole
    levels, the tensor was normalized with it. Otherwise the range of the values decides.

    Args:
        pixels: finite floats (1, 3, H, W) on the CPU.
        statistics: the model's normalization.
    """
    low, high = (float(v) for v in pixels.aminmax())
    restored = restore(pixels, statistics)
    if _has_steps(restored):
        return Scale(True)
    owner = next(
        (name for name, known in KNOWN.items() if _has_steps(restore(pixels, known))), None
    )
    inside = low >= -_SLACK and high <= 1 + _SLACK
    if owner and not (inside and _has_steps(pixels)):
        return Scale(
            True,
            f"The tensor seems to be normalized with the mean and standard deviation of {owner}, which are "
            "not this model's; it was used unchanged.",
        )
    if inside:
        return Scale(
            False,
            f"The tensor's values are between 0 and 1 ({low:.3g} to {high:.3g}), so it was taken as a "
            "picture and normalized here. If it was normalized before, give "
            "clip.image_processor.from_normalized(tensor).",
        )
    least, most = (float(v) for v in restored.aminmax())
    if low >= 0 and high <= 255 * (1 + _SLACK) and most > 2:
        return Scale(
            False, f"The tensor's values go up to {high:.4g}: they were read on the scale 0..255."
        )
    if least < -_FAR or most > 1 + _FAR:
        return Scale(
            True,
            "The tensor was taken as normalized with this model's mean and standard deviation. Without that "
            f"normalization its values go from {least:.2f} to {most:.2f} instead of 0 to 1, so it may be "
            "another model's.",
        )
    return Scale(
        True, "The tensor was taken as normalized with this model's mean and standard deviation."
    )


def restore(pixels: Tensor, statistics: Statistics) -> Tensor:
    """Return pixels (1, 3, H, W) with a normalization undone."""
    mean, std = (pixels.new_tensor(v)[:, None, None] for v in statistics)
    return pixels * std + mean


def _has_steps(values: Tensor) -> bool:
    """Return whether all values are multiples of 1/255, from 0 to 1."""
    steps = values * 255
    whole = steps.round()
    return bool(((steps - whole).abs() <= _BYTES).all() and whole.min() >= 0 and whole.max() <= 255)
