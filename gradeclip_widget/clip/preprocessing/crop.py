"""Check that a model's own preprocessing shows the part of a picture over which the map is laid."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...core.errors import summarize_error
from ...core.regions import Box

_TRIES = 30  # of a transform that draws random numbers, to see whether they change anything
_ACROSS, _DOWN = (
    0.65,
    0.35,
)  # how the probe picture brightens; not alike, so that turning it is seen
_SLACK = 2.0  # pixels of the result by which rounding may move a crop
_CHANGE = 3 / 255  # of the levels, by 8 bits and by resampling
_GRAYS = 64, 192  # of even pictures, to see what becomes of levels
_INFERENCE = (
    "pass the transform for inference, the last of what open_clip.create_model_and_transforms returns, or "
    "use fit='whole'"
)


def check_crop(
    transform: Callable[[Image.Image], Any],
    size: tuple[int, int],
    read: tuple[int, int],
    box_of: Callable[[Image.Image], Box],
) -> None:
    """Run a transform on pictures that brighten evenly to the right and down, and see what comes out.

    Args:
        transform: the model's own preprocessing.
        size: (height, width) in pixels that the image tower takes.
        read: the (height, width) of them that lie in whole patches.
        box_of: the box of a picture that these are taken to show.

    Raises:
        ValueError: the result is random, of another size, or shows something else than that box.
    """
    height, width = size
    # Not so long that random crops fall back on the center.
    wide = _ramp(width + width // 2, height + height // 5)
    high = _ramp(width + width // 5, height + height // 2)
    with _own_random_numbers() as drawn:
        first = _run(transform, wide, size)
        again = [_run(transform, wide, size)]
        if drawn():
            again += [_run(transform, wide, size) for _ in range(_TRIES)]
        if any(not torch.equal(first, other) for other in again):
            raise ValueError(
                "preprocess gives another result each time, as transforms for training do, so fit='crop' has "
                f"no one picture to explain: {_INFERENCE}"
            )
        made = ((wide, first), (high, _run(transform, high, size)))
        levels = _levels(
            [_run(transform, Image.new("RGB", wide.size, (g,) * 3), size) for g in _GRAYS]
        )
    for image, pixels in made:
        box = box_of(image)
        seen = levels(pixels)[: read[0], : read[1]]
        slack = _SLACK * max(
            (box[2] - box[0]) / read[1] / image.width, (box[3] - box[1]) / read[0] / image.height
        )
        if float((seen - _expected(image, box, read)).abs().mean()) <= slack + _CHANGE:
            continue
        mirrored = (box[2], box[1], box[0], box[3])
        if float((seen - _expected(image, mirrored, read)).abs().mean()) <= slack + _CHANGE:
            raise ValueError(
                "preprocess mirrors pictures, so a map would lie mirrored on the picture: leave the flip "
                "out, or use fit='whole'"
            )
        raise ValueError(
            "preprocess shows another part of a picture than its steps say (Resize, CenterCrop), so it is "
            f"not known where on the picture the map lies: {_INFERENCE}"
        )


def _ramp(width: int, height: int) -> Image.Image:
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    values = _ACROSS * across + _DOWN * down[:, None]
    return Image.fromarray(np.round(255 * values).astype(np.uint8)).convert("RGB")


def _expected(image: Image.Image, box: Box, read: tuple[int, int]) -> Tensor:
    """Return the levels (H, W) of the probe picture inside a box."""
    x0, y0, x1, y1 = box
    across = (x0 + (torch.arange(read[1]) + 0.5) / read[1] * (x1 - x0)) / image.width
    down = (y0 + (torch.arange(read[0]) + 0.5) / read[0] * (y1 - y0)) / image.height
    return _ACROSS * across + _DOWN * down[:, None]


def _levels(even: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function from a result (3, H, W) to gray levels (H, W) of 0..1, given those of `_GRAYS`."""
    dark, light = (pixels.flatten(1).median(1).values[:, None, None] for pixels in even)
    used = (light - dark).flatten().abs() > 1e-3  # of the channels
    low, high = (gray / 255 for gray in _GRAYS)

    def levels(pixels: Tensor) -> Tensor:
        return (low + (high - low) * (pixels - dark) / (light - dark))[used].mean(0)

    return levels


def _run(
    transform: Callable[[Image.Image], Any], image: Image.Image, size: tuple[int, int]
) -> Tensor:
    try:
        pixels = transform(image.copy())
    except Exception as error:
        raise ValueError(
            f"preprocess does not run on a picture of {image.width} x {image.height} px "
            f"({summarize_error(error)}): {_INFERENCE}"
        ) from error
    height, width = size
    if not isinstance(pixels, Tensor) or tuple(pixels.shape) != (3, height, width):
        shape = tuple(getattr(pixels, "shape", ())) or type(pixels).__name__
        raise ValueError(
            f"preprocess makes {shape} of a picture of {image.width} x {image.height} px, where the image "
            f"tower takes (3, {height}, {width}): {_INFERENCE}"
        )
    return pixels.detach().float().cpu()


@contextlib.contextmanager
def _own_random_numbers() -> Iterator[Callable[[], bool]]:
    """Keep the random numbers of the program as they are; yield a function: were any drawn since?"""
    before = _random_state()

    def drawn() -> bool:
        return _random_state() != before

    kept = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield drawn
    finally:
        torch.set_rng_state(kept[0])
        random.setstate(kept[1])
        np.random.set_state(kept[2])  # noqa: NPY002


def _random_state() -> tuple[Any, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    numpy = (kind, np.asarray(keys).tobytes(), *rest)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), numpy
