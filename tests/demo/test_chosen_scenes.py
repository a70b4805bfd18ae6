"""The chosen scenes, as someone sees them who has never heard of the method: words lie on their objects."""

from __future__ import annotations

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo.scenes import Scene
from gradeclip_widget.evaluation.pointing import pointing_hit
from gradeclip_widget.training.measured import mentions

SCENES = gw.demo.scenes()


@pytest.fixture(scope="module")
def explainer() -> gw.Explainer:
    return gw.Explainer(gw.load("demo", device="cpu"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_named_objects_lead_the_words_and_their_maps_lie_on_them(
    explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, scene.caption)
    named = list(mentions(scene, e))
    nouns = {words[-1] for _, words in named}
    leading = np.argsort(-e.word_importance)[: sum(len(words) for _, words in named)]
    assert nouns <= set(leading.tolist())
    lit = {word: highlight for highlight in e.highlights() for word in highlight.words}
    for mask, words in named:
        for reading in e.readings:
            assert pointing_hit(e.phrase_map(words, reading), mask), (reading, words)
        assert lit[words[-1]].hue is not None
        assert mask[patch_pixels(e, *lit[words[-1]].peak)].any()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_every_object_is_highlighted_in_the_overview(explainer: gw.Explainer, scene: Scene) -> None:
    e = explainer(scene.image, scene.caption)
    for mask, _ in mentions(scene, e):
        inside = e.coverage(mask)
        assert (e.evidence_map * inside).sum() / inside.sum() > e.evidence_map.mean()


def patch_pixels(e: gw.Explanation, row: int, col: int) -> tuple[slice, slice]:
    """The picture's pixels under a patch."""
    rows, cols = e.patch_grid
    height, width = e.image.height // rows, e.image.width // cols
    return slice(row * height, (row + 1) * height), slice(col * width, (col + 1) * width)
