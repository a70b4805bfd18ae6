"""The box of fit="crop" is the true one of the model's own preprocessing, or that is refused."""

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
        (
            [*CROPPED, T.RandomHorizontalFlip(0.0)],
            (27, 0, 117, 90),
        ),  # random, and yet always the same
    ],
    ids=["cropped", "squashed", "margin", "gray", "never-flipped"],
)
def test_a_crop_lies_where_the_transform_takes_it(
    model: Any, image: Image.Image, steps: list[Any], cover: Any
) -> None:
    clip = wrap(model, *steps)
    made = clip.image_processor.prepare(image, "crop")
    assert made.cover == pytest.approx(cover, abs=0.01)
    assert torch.equal(made.pixels[0], clip.image_processor.crop(image))


def upright(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([T.RandomResizedCrop(96, (0.5, 1.0))], "another result each time, as transforms for training"),
        ([*CROPPED, T.RandomHorizontalFlip()], "another result each time"),
        ([*CROPPED, T.ColorJitter(0.4)], "another result each time"),
        ([*CROPPED, T.RandomHorizontalFlip(1.0)], "mirrors pictures, .* leave the flip out"),
        ([T.Resize(96, BICUBIC)], r"makes \(3, 96, 120\) of a picture .* takes \(3, 96, 96\)"),
        ([T.Resize(64, BICUBIC), T.CenterCrop(64)], r"makes \(3, 64, 64\) of a picture of 144 x 115"),
        ([T.Resize(108, BICUBIC), lambda i: i.crop((0, 0, 96, 96))], "shows another part of a pict"),
        ([*CROPPED, upright], "shows another part"),
        ([T.Resize(80, BICUBIC), T.CenterCrop(96)], "shows another part"),
        ([T.CenterCrop(200), lambda i: i.resize((0, 96))], "does not run on a picture of 144 x 115 px"),
    ],
    ids=["random-crop", "random-flip", "jitter", "mirror", "no-crop", "size", "corner", "turned",
         "padded", "broken"],
)  # fmt: skip
def test_a_transform_whose_box_is_not_known_is_refused_and_whole_pictures_work(
    model: Any, image: Image.Image, steps: list[Any], said: str
) -> None:
    clip = wrap(model, *steps)
    for _ in range(2):  # a refusal is not forgotten
        with pytest.raises(ValueError, match=said) as error:
            gw.Explainer(clip, fit="crop")(image, "a red car")
        assert "fit='whole'" in str(error.value)
    e = gw.Explainer(clip, fit="whole", readings=False)(image, "a red car")
    again = gw.Explainer(clip, fit="whole", readings=False)(image, "a red car")
    assert (e.cover, e.score) == ((0, 0, 144, 90), again.score)


def test_open_clips_transform_for_training_is_refused(model: Any, image: Image.Image) -> None:
    transform = image_transform_v2(PreprocessCfg(size=(96, 96)), is_train=True)
    clip = ClipModel(model, transform, check.simple_tokenizer())
    with pytest.raises(ValueError, match="pass the transform for inference"):
        gw.Explainer(clip, fit="crop")(image, "a red car")


def test_a_generator_of_its_own_is_noticed(model: Any, image: Image.Image) -> None:
    rng = np.random.default_rng(0)

    def noisy(pixels: torch.Tensor) -> torch.Tensor:
        return pixels + 0.01 * float(rng.normal())

    transform = T.Compose([*CROPPED, *PIXELS, noisy])
    clip = ClipModel(model, transform, check.simple_tokenizer())
    with pytest.raises(ValueError, match="another result each time"):
        gw.Explainer(clip, fit="crop")(image, "a red car")


def test_random_numbers_of_the_program_are_left_as_they_were(
    model: Any, image: Image.Image
) -> None:
    draws: list[Callable[[], float]] = [
        random.random, lambda: float(torch.rand(())), lambda: float(np.random.random())  # noqa: NPY002
    ]  # fmt: skip
    made = []
    for probed in (False, True):
        random.seed(1), torch.manual_seed(1), np.random.seed(1)  # noqa: NPY002
        if probed:
            with pytest.raises(ValueError, match="each time"):
                wrap(model, *CROPPED, T.RandomHorizontalFlip()).image_processor.prepare(
                    image, "crop"
                )
        made.append([draw() for draw in draws])
    assert made[0] == made[1]


def test_the_transform_is_probed_once(model: Any, image: Image.Image) -> None:
    runs: list[int] = []
    clip = wrap(model, *CROPPED, lambda i: (runs.append(1), i)[1])
    clip.image_processor.prepare(image)
    assert not runs  # whole pictures do not go through it
    clip.image_processor.prepare(image, "crop")
    first = len(runs)
    clip.image_processor.prepare(image, "crop")
    assert len(runs) == first + 1
