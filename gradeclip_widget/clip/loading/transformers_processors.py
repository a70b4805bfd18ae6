"""Processors of Hugging Face's transformers, converted to image transforms and tokenizers of open_clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode


def transform_of(processor: Any, image_size: tuple[int, int]) -> transforms.Compose:
    """Return the transform of RGB images to (3, H, W) that does the same as an image processor.

    Args:
        processor: an image processor that resizes, perhaps crops the center, and normalizes.
        image_size: (height, width) in pixels that the tower takes.

    Raises:
        ValueError: it has other steps, or its result has another size.
    """
    resample = InterpolationMode[Image.Resampling(processor.resample).name]
    steps: list[Any] = []
    size = _sizes(processor.size)
    if processor.do_resize:
        sides = (size["height"], size["width"]) if "height" in size else size.get("shortest_edge")
        if sides is None or "longest_edge" in size:
            raise ValueError(
                f"the image processor resizes pictures to {size}, which is not known here"
            )
        steps.append(transforms.Resize(sides, resample))
    if getattr(processor, "do_center_crop", False):
        crop = _sizes(processor.crop_size)
        steps.append(transforms.CenterCrop((crop["height"], crop["width"])))
    scale = 255 * processor.rescale_factor if processor.do_rescale else 255.0
    mean, std = [0.0] * 3, [1.0] * 3
    if processor.do_normalize:
        mean, std = processor.image_mean, processor.image_std
    shifted = [m / scale for m in mean], [s / scale for s in std]
    transform = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(*shifted)])
    made = tuple(transform(Image.new("RGB", (40, 30))).shape[1:])
    if made != tuple(image_size):
        raise ValueError(
            f"the image processor makes pictures of {made[0]} x {made[1]} px where the model takes "
            f"{image_size[0]} x {image_size[1]}; pass the model's own processor"
        )
    return transform


@dataclass(frozen=True)
class TokenizerWrapper:
    """A tokenizer of transformers, with the attributes of open_clip's ``HFTokenizer``.

    Attributes:
        tokenizer: the tokenizer.
        clean_fn: its cleaning of captions, if that is not part of what it reports positions for.
    """

    tokenizer: Any
    clean_fn: Callable[[str], str]

    @classmethod
    def of(cls, tokenizer: Any) -> TokenizerWrapper:
        """Wrap a tokenizer."""
        return cls(tokenizer, getattr(tokenizer, "canonicalize_text", str))


def _sizes(size: Any) -> dict[str, int]:
    """Return the given sides, from a mapping or, in newer versions, from an object with attributes."""
    sides = {"height", "width", "shortest_edge", "longest_edge"}
    pairs = size.items() if hasattr(size, "items") else vars(size).items()
    return {name: value for name, value in pairs if name in sides and value is not None}
