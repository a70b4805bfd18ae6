"""The options of an explainer: what applies to a model, and which of them a picture's pass depends on."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

import gradeclip_widget as gw
from gradeclip_widget.explain.setup import ExplainSettings

from ..clip.conftest import small_clip
from ..clip.invariants import wrap
from ..test_package import modules_after

# By the field, a value that is not its default.
CHANGES = {
    "reference": True, "freeze_norms": False, "image_layers": 2, "text_layers": 3, "fit": "crop",
    "resolution": 192, "readings": False, "integrated_gradients": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def blocks() -> gw.ClipModel:
    """A small random model: 3 image blocks, 4 text blocks."""
    return wrap(small_clip())


def resolve(clip: gw.ClipModel, **options: Any) -> ExplainSettings:
    return ExplainSettings(**options).resolve(clip.image_tower, clip.text_tower)


def test_text_layers_are_the_models_own_by_default_and_no_more_than_there_are(
    blocks: gw.ClipModel,
) -> None:
    assert resolve(blocks).layers == (1, 4)
    assert resolve(blocks, image_layers=3, text_layers=2).layers == (3, 2)
    assert resolve(blocks, text_layers=99).layers == (1, 4)


def test_reference_differentiates_norms(blocks: gw.ClipModel) -> None:
    assert resolve(blocks).freeze_norms
    assert not resolve(blocks, reference=True, freeze_norms=True).freeze_norms


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image_layers": 0}, "image_layers=0: this image tower has 3 blocks; give 1 to 3"),
        ({"image_layers": 4}, "give 1 to 3"),
        ({"text_layers": 0}, "text_layers=0: give at least 1"),
    ],
)
def test_blocks_that_there_are_not_are_refused(
    blocks: gw.ClipModel, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        resolve(blocks, **options)


@pytest.mark.parametrize("name", CHANGES)
def test_only_options_of_the_image_side_change_a_pictures_pass(name: str) -> None:
    changed = replace(ExplainSettings(), **{name: CHANGES[name]})
    same = changed.image_side == ExplainSettings().image_side
    assert same == (name not in ("reference", "image_layers", "fit", "resolution"))


def test_an_explainer_takes_every_setting_and_gives_it_back(blocks: gw.ClipModel) -> None:
    assert {f.name for f in fields(ExplainSettings)} == set(CHANGES)
    for name, value in CHANGES.items():
        explainer = gw.Explainer(blocks, **{name: value})
        assert explainer.options[name] == value
        if name != "integrated_gradients":  # the name of a method
            assert getattr(explainer, name) == value


def test_settings_bring_no_torch() -> None:
    assert "torch" not in modules_after("import gradeclip_widget.explain.setup")
