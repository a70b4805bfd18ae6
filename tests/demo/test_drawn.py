"""The embedded model knows drawings only, and says so of everything else."""

from __future__ import annotations

import copy
import pickle
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.demo.drawn import FOREIGN
from training.drawn_rule import VARIANTS, drawn, texture

PHOTOGRAPHS = (
    *(("sklearn", f"datasets/images/{name}.jpg") for name in ("china", "flower")),
    *(("skimage", f"data/{name}") for name in ("astronaut.png", "coffee.png", "brick.png")),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)


def is_foreign(clip: gw.ClipModel, image: Image.Image) -> bool:
    pixels = clip.image_processor.prepare(image, "whole", None).pixels
    (foreign,) = clip.are_foreign(pixels)
    return foreign


def photograph(package: str, name: str) -> Image.Image:
    """Return a sample picture of a package, which is not imported."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Image.open(Path(spec.origin).parent / name).convert("RGB")


@pytest.mark.parametrize("variant", VARIANTS)
def test_drawn_scenes_are_known_in_every_shape(clip: gw.ClipModel, variant: str) -> None:
    first = 660_000 + 100 * VARIANTS.index(variant)
    warned = [is_foreign(clip, drawn(seed, variant)) for seed in range(first, first + 25)]
    assert sum(warned) <= 1


@pytest.mark.parametrize("size", [160, 448])
def test_scenes_for_tutorials_are_known(clip: gw.ClipModel, size: int) -> None:
    assert not any(is_foreign(clip, scene.image) for scene in gw.demo.scenes(size))


@pytest.mark.parametrize("place", PHOTOGRAPHS, ids=lambda place: place[1])
def test_a_photograph_is_foreign(clip: gw.ClipModel, place: tuple[str, str]) -> None:
    assert is_foreign(clip, photograph(*place))


def test_textures_are_foreign(clip: gw.ClipModel) -> None:
    assert sum(is_foreign(clip, texture(10_000 + n)) for n in range(30)) >= 29


def test_the_resolution_of_the_tower_does_not_matter(clip: gw.ClipModel) -> None:
    for image, expected in ((texture(10_000), True), (gw.demo.scenes()[1].image, False)):
        pixels = clip.image_processor.prepare(image, "whole", 336).pixels
        assert clip.are_foreign(pixels) == [expected]


def test_the_first_note_is_the_warning(explainer: gw.Explainer) -> None:
    e = explainer(texture(10_000), "a velociraptor")
    assert e.foreign
    assert e.notes[0] == e.warning == FOREIGN
    assert len(e.notes) > 1  # the word is unknown, too


def test_an_explanation_of_a_drawing_has_no_warning(explainer: gw.Explainer) -> None:
    scene = gw.demo.scenes()[0]
    e = explainer(scene.image, scene.caption)
    assert not e.foreign
    assert e.warning is None
    assert FOREIGN not in e.notes


def test_a_copy_of_the_model_judges_equally(clip: gw.ClipModel) -> None:
    for other in (copy.deepcopy(clip), pickle.loads(pickle.dumps(clip))):
        assert gw.Explainer(other)(texture(10_000), "a dog").foreign


def test_other_models_do_not_warn(clip: gw.ClipModel) -> None:
    other = gw.ClipModel(clip.model, clip.image_processor.crop, clip.tokenizer.tokenizer)
    assert not gw.Explainer(other)(texture(10_000), "a dog").foreign


def test_a_picture_is_judged_equally_alone_and_in_a_batch(clip: gw.ClipModel) -> None:
    images = [texture(10_000), gw.demo.scenes()[0].image, texture(10_001)]
    pixels = [clip.image_processor.prepare(image, "crop", None).pixels for image in images]
    assert clip.are_foreign(torch.cat(pixels)) == [clip.are_foreign(p)[0] for p in pixels]


def test_a_plain_picture_is_not_foreign(clip: gw.ClipModel) -> None:
    assert not is_foreign(clip, Image.fromarray(np.full((224, 224, 3), 200, np.uint8)))
