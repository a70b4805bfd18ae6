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


def test_text_layers_have_a_default_and_are_limited_to_the_depth(
    blocks: gw.ClipModel,
) -> None:
    assert resolve(blocks).layers == (1, 4)
    assert resolve(blocks, image_layers=3, text_layers=2).layers == (3, 2)
    assert resolve(blocks, text_layers=99).layers == (1, 4)


def test_reference_differentiates_norms(blocks: gw.ClipModel) -> None:
    assert resolve(blocks).freeze_norms
    assert not resolve(blocks, reference=True, freeze_norms=True).freeze_norms


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"image_layers": 0}, "image_layers=0: this image tower has 3 blocks; give 1 to 3"),
        ({"image_layers": 4}, "give 1 to 3"),
        ({"text_layers": 0}, "text_layers=0: give at least 1"),
    ],
)
def test_more_blocks_than_the_tower_has_raise(
    blocks: gw.ClipModel, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        resolve(blocks, **options)


@pytest.mark.parametrize("name", CHANGES)
def test_only_image_side_options_affect_an_encoded_picture(name: str) -> None:
    changed = replace(ExplainSettings(), **{name: CHANGES[name]})
    same = changed.image_side == ExplainSettings().image_side
    assert same == (name not in ("reference", "image_layers", "fit", "resolution"))


def test_an_explainer_has_every_setting_as_an_attribute(blocks: gw.ClipModel) -> None:
    assert {f.name for f in fields(ExplainSettings)} == set(CHANGES)
    for name, value in CHANGES.items():
        explainer = gw.Explainer(blocks, **{name: value})
        assert explainer.options[name] == value
        if name != "integrated_gradients":  # the name of a method
            assert getattr(explainer, name) == value


def test_settings_import_no_torch() -> None:
    assert "torch" not in modules_after("import gradeclip_widget.explain.setup")
