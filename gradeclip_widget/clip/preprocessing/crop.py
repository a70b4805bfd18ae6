"""Check that a model's own preprocessing shows the part of a picture on which the map is drawn."""

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

_TRIES = 30  # runs of a transform that draws random numbers, to find out whether its result varies
# How much the probe picture brightens to the right and down: not equally, so that a rotation shows.
_ACROSS, _DOWN = 0.65, 0.35
_SLACK = 2.0  # pixels of the result by which rounding may move a crop
_CHANGE = 3 / 255  # by which 8 bits and resampling may change the levels
_GRAYS = 64, 192  # levels of uniform pictures, which show how the transform maps levels
_INFERENCE = (
    "pass the transform for inference, the last of what open_clip.create_model_and_transforms returns, or "
    "use fit='whole'"
)


def check_crop(
    transform: Callable[[Image.Image], Any],
    size: tuple[int, int],
    covered: tuple[int, int],
    box_of: Callable[[Image.Image], Box],
) -> None:
    """Check which part of a picture a transform shows.

    It is run on pictures that brighten evenly to the right and down, so the levels of the result show where
    in the picture each pixel was.

    Args:
        transform: the model's own preprocessing.
        size: (height, width) in pixels that the image tower takes.
        covered: the (height, width) of them that lie in whole patches.
        box_of: the box of a picture that the covered pixels should show.

    Raises:
        ValueError: the result is random, of another size, or does not show that box.
    """
    height, width = size
    # Random crops of longer pictures would take the center.
    wide = _ramp(width + width // 2, height + height // 5)
    high = _ramp(width + width // 5, height + height // 2)
    with _preserved_rng() as was_used:
        first = _run(transform, wide, size)
        repeats = [_run(transform, wide, size)]
        if was_used():
            repeats += [_run(transform, wide, size) for _ in range(_TRIES)]
        if any(not torch.equal(first, other) for other in repeats):
            raise ValueError(
                "preprocess is random, like transforms for training: it returns another result each time, so "
                f"fit='crop' has no single picture to explain: {_INFERENCE}"
            )
        results = ((wide, first), (high, _run(transform, high, size)))
        levels = _levels(
            [_run(transform, Image.new("RGB", wide.size, (g,) * 3), size) for g in _GRAYS]
        )
    for image, pixels in results:
        box = box_of(image)
        actual = levels(pixels)[: covered[0], : covered[1]]
        slack = _SLACK * max(
            (box[2] - box[0]) / covered[1] / image.width,
            (box[3] - box[1]) / covered[0] / image.height,
        )
        if float((actual - _expected(image, box, covered)).abs().mean()) <= slack + _CHANGE:
            continue
        mirrored = (box[2], box[1], box[0], box[3])
        if float((actual - _expected(image, mirrored, covered)).abs().mean()) <= slack + _CHANGE:
            raise ValueError(
                "preprocess mirrors pictures, so the map would be mirrored too: remove the flip, or use "
                "fit='whole'"
            )
        raise ValueError(
            "preprocess shows another part of a picture than its steps (Resize, CenterCrop) would, so it is "
            f"not known where on the picture the map lies: {_INFERENCE}"
        )


def _ramp(width: int, height: int) -> Image.Image:
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    values = _ACROSS * across + _DOWN * down[:, None]
    return Image.fromarray(np.round(255 * values).astype(np.uint8)).convert("RGB")


def _expected(image: Image.Image, box: Box, size: tuple[int, int]) -> Tensor:
    """Return the levels (H, W) of the probe picture inside a box, resized to (height, width)."""
    x0, y0, x1, y1 = box
    rows, cols = (torch.arange(n, dtype=torch.float32, device="cpu") + 0.5 for n in size)
    across = (x0 + cols / size[1] * (x1 - x0)) / image.width
    down = (y0 + rows / size[0] * (y1 - y0)) / image.height
    return _ACROSS * across + _DOWN * down[:, None]


def _levels(uniform: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function from a result (3, H, W) to gray levels (H, W) of 0..1.

    Args:
        uniform: the results (3, H, W) of uniform pictures with the levels `_GRAYS`.
    """
    dark, light = (pixels.flatten(1).median(1).values[:, None, None] for pixels in uniform)
    channels = (light - dark).flatten().abs() > 1e-3  # those that depend on the level
    low, high = (gray / 255 for gray in _GRAYS)

    def levels(pixels: Tensor) -> Tensor:
        return (low + (high - low) * (pixels - dark) / (light - dark))[channels].mean(0)

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
            f"preprocess returns {shape} for a picture of {image.width} x {image.height} px, but the image "
            f"tower takes (3, {height}, {width}): {_INFERENCE}"
        )
    return pixels.detach().float().cpu()


@contextlib.contextmanager
def _preserved_rng() -> Iterator[Callable[[], bool]]:
    """Restore the random generators of torch, Python and NumPy after the context.

    Yields:
        A function that returns whether random numbers were drawn in the context.
    """
    before = _random_state()

    def was_used() -> bool:
        return _random_state() != before

    states = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield was_used
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])  # noqa: NPY002


def _random_state() -> tuple[Any, ...]:
    """Return the states of all random generators, in a form that can be compared."""
    kind, keys, *position = np.random.get_state()  # noqa: NPY002
    numpy = (kind, np.asarray(keys).tobytes(), *position)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), numpy
