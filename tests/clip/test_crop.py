"""fit="crop": the box of the map is what the model's own preprocessing shows; else an error."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

import gradeclip_widget as gw
from gradeclip_widget import ClipModel

from . import invariants as check
from .conftest import small_clip

BICUBIC = InterpolationMode.BICUBIC
PIXELS = [T.ToTensor(), T.Normalize((0.48, 0.46, 0.41), (0.27, 0.26, 0.28))]
CROPPED = [T.Resize(96, BICUBIC), T.CenterCrop(96)]


@pytest.fixture(scope="module")
def model() -> Any:
    return small_clip()


@pytest.fixture(scope="module")
def image() -> Image.Image:
    """A dark picture with a bright square at its left."""
    values = np.full((90, 144, 3), 20, np.uint8)
    values[30:60, 30:60] = 240
    return Image.fromarray(values)


def wrap(model: Any, *steps: Any) -> ClipModel:
    return ClipModel(model, T.Compose([*steps, *PIXELS]), check.simple_tokenizer())


@pytest.mark.parametrize(
    ("steps", "cover"),
    [
        (CROPPED, (27, 0, 117, 90)),
        ([T.Resize((96, 96), BICUBIC)], (0, 0, 144, 90)),
        ([T.Resize(108, BICUBIC), T.CenterCrop(96)], (32, 5, 112, 85)),
        ([*CROPPED, T.Grayscale(3)], (27, 0, 117, 90)),
        # Draws random numbers, but its result is always the same.
        ([*CROPPED, T.RandomHorizontalFlip(0.0)], (27, 0, 117, 90)),
    ],
    ids=["cropped", "squashed", "margin", "gray", "never-flipped"],
)
def test_the_cover_is_the_box_that_the_transform_shows(
    model: Any, image: Image.Image, steps: list[Any], cover: Any
) -> None:
    clip = wrap(model, *steps)
    prepared = clip.image_processor.prepare(image, "crop")
    assert prepared.cover == pytest.approx(cover, abs=0.01)
    assert torch.equal(prepared.pixels[0], clip.image_processor.crop(image))


def upright(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([T.RandomResizedCrop(96, (0.5, 1.0))], "random"),
        ([*CROPPED, T.RandomHorizontalFlip()], "random"),
        ([*CROPPED, T.ColorJitter(0.4)], "random"),
        ([*CROPPED, T.RandomHorizontalFlip(1.0)], "mirrors"),
        ([T.Resize(96, BICUBIC)], r"\(3, 96, 120\).*takes \(3, 96, 96\)"),
        ([T.Resize(64, BICUBIC), T.CenterCrop(64)], r"\(3, 64, 64\).*144 x 115"),
        ([T.Resize(108, BICUBIC), lambda i: i.crop((0, 0, 96, 96))], "another part"),
        ([*CROPPED, upright], "another part"),
        ([T.Resize(80, BICUBIC), T.CenterCrop(96)], "another part"),
        ([T.CenterCrop(200), lambda i: i.resize((0, 96))], "does not run.*144 x 115"),
    ],
    ids=["random-crop", "random-flip", "jitter", "mirror", "no-crop", "size", "corner", "turned",
         "padded", "broken"],
)  # fmt: skip
def test_a_transform_with_an_unknown_box_is_refused_but_whole_pictures_work(
    model: Any, image: Image.Image, steps: list[Any], message: str
) -> None:
    clip = wrap(model, *steps)
    for _ in range(2):  # the second call fails too
        with pytest.raises(ValueError, match=message) as error:
            gw.Explainer(clip, fit="crop")(image, "a red car")
        assert "fit='whole'" in str(error.value)
    e = gw.Explainer(clip, fit="whole", readings=False)(image, "a red car")
    again = gw.Explainer(clip, fit="whole", readings=False)(image, "a red car")
    assert (e.cover, e.score) == ((0, 0, 144, 90), again.score)


def test_open_clips_transform_for_training_is_refused(model: Any, image: Image.Image) -> None:
    transform = image_transform_v2(PreprocessCfg(size=(96, 96)), is_train=True)
    clip = ClipModel(model, transform, check.simple_tokenizer())
    with pytest.raises(ValueError, match="transform for inference"):
        gw.Explainer(clip, fit="crop")(image, "a red car")


def test_a_transform_with_its_own_random_generator_is_refused(
    model: Any, image: Image.Image
) -> None:
    rng = np.random.default_rng(0)

    def noisy(pixels: torch.Tensor) -> torch.Tensor:
        return pixels + 0.01 * float(rng.normal())

    transform = T.Compose([*CROPPED, *PIXELS, noisy])
    clip = ClipModel(model, transform, check.simple_tokenizer())
    with pytest.raises(ValueError, match="random"):
        gw.Explainer(clip, fit="crop")(image, "a red car")


def test_the_check_does_not_change_the_programs_random_numbers(
    model: Any, image: Image.Image
) -> None:
    draws: list[Callable[[], float]] = [
        random.random, lambda: float(torch.rand(())), lambda: float(np.random.random())  # noqa: NPY002
    ]  # fmt: skip
    prepared = []
    for probed in (False, True):
        random.seed(1), torch.manual_seed(1), np.random.seed(1)  # noqa: NPY002
        if probed:
            with pytest.raises(ValueError, match="random"):
                wrap(model, *CROPPED, T.RandomHorizontalFlip()).image_processor.prepare(
                    image, "crop"
                )
        prepared.append([draw() for draw in draws])
    assert prepared[0] == prepared[1]


def test_the_transform_is_checked_once(model: Any, image: Image.Image) -> None:
    runs: list[int] = []
    clip = wrap(model, *CROPPED, lambda i: (runs.append(1), i)[1])
    clip.image_processor.prepare(image)
    assert not runs  # whole pictures do not go through it
    clip.image_processor.prepare(image, "crop")
    first = len(runs)
    clip.image_processor.prepare(image, "crop")
    assert len(runs) == first + 1
