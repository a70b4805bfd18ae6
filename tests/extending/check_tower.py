"""Checks of the example tower family, run in a copy of the project that has it."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget import methods
from gradeclip_widget.methods.registry import find_method

from ..clip import invariants as check
from ..clip import nudges
from .recipes import PAGE

# So that slow methods take little.
QUICK: dict[str, dict[str, Any]] = {"rise": {"masks": 4}, "m2ib": {"steps": 2}}
PIXELS = check.picture(64, 64)


@pytest.fixture(scope="module")
def family() -> Any:
    return importlib.import_module("gradeclip_widget.clip.image_towers.probe").ProbeTower


@pytest.fixture(scope="module")
def model() -> CLIP:
    """A CLIP with the image tower that the page supposes."""
    code = (
        PAGE.read_text(encoding="utf-8").partition("```python\nclass Probe")[2].partition("```")[0]
    )
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
    exec(f"class Probe{code}", names)
    return check.with_tower(names["Probe"](width=64, heads=4, embedding=check.EMBEDDING))


@pytest.fixture
def tower(family: Any, model: CLIP) -> Any:
    return family(model.visual)


def test_the_embedding_is_the_models_own(tower: Any, model: CLIP) -> None:
    check.check_embedding(tower, model, PIXELS)


def test_channel_weights_are_the_slope_of_the_score(tower: Any, model: CLIP) -> None:
    moving = functools.partial(nudges.by_bias, model.visual.project)
    check.check_weights(tower, model, PIXELS, moving=moving)


def test_values_weighted_by_attention_sum_to_the_output(tower: Any) -> None:
    check.check_attention(tower, PIXELS)


def test_features_have_gradients(tower: Any) -> None:
    check.check_feature_gradients(tower, PIXELS)


def test_the_model_is_unchanged(family: Any, model: CLIP) -> None:
    check.check_untouched(check.wrap(model), PIXELS)


def test_maps_in_lower_precision_rank_patches_alike(family: Any, model: CLIP) -> None:
    check.check_lower_precision(model, PIXELS)


@pytest.mark.parametrize("name", methods.method_names())
def test_every_method_explains_the_family(family: Any, model: CLIP, name: str) -> None:
    clip = check.wrap(model)
    assert isinstance(clip.image_tower, family)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 160, 3), np.uint8))
    if find_method(name).needs_transformer:
        with pytest.raises(ValueError, match="runs through the blocks of a transformer"):
            gw.Explainer(clip, name)
        return
    e = gw.Explainer(clip, name, method_options=QUICK.get(name))(image, "a red car")
    assert e.patch_grid == (4, 8)
    assert np.abs(e.interactions).max() > 0


@pytest.mark.parametrize(
    ("options", "key_words"),
    [({"layers": 2}, "one block; give 1"), ({"single_head": True}, "learned query")],
)
def test_unsupported_options_are_errors(
    tower: Any, options: dict[str, Any], key_words: str
) -> None:
    with pytest.raises(ValueError, match=key_words):
        tower.trace(PIXELS, **options)


def test_a_tower_of_another_family_is_an_error(family: Any) -> None:
    with pytest.raises(TypeError, match="it has no learned query over its patches"):
        family(nn.Flatten())
