"""How word importance and the first picture agree with the truth of drawn scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.evidence import MEASURES
from gradeclip_widget.demo.scenes import sample_scene
from gradeclip_widget.demo.world import SEEN_STYLES
from gradeclip_widget.evaluation.examples import scene_example
from gradeclip_widget.evaluation.roles import Roles
from training.importance_measures import (
    DIFFERENTIATED,
    SHOWN,
    compare,
    first_picture,
    importance_agreement,
)
from training.measured import measure_scenes

from ..factories import words_of

SEEDS = range(490_000, 490_004)
FIGURES = {
    "named nouns at zero",
    "share of content words",
    "nouns above function words",
    "rank agreement with leaving out",
}


def roles_in(caption: str, *mentioned: str) -> Roles:
    scene = sample_scene(490_010, ["red circle", "red circle", "blue circle", "apple"])
    scene = replace(scene, caption=caption, mentioned=mentioned)
    return Roles.of(scene_example(scene), words_of(caption))


def test_words_are_grouped_by_their_meaning_in_the_scene() -> None:
    caption = "a photo of two red circles and an apple on a white background"
    roles = roles_in(caption, "red circle", "apple")
    texts = np.array(caption.split())
    assert texts[roles.nouns].tolist() == ["circles", "apple"]
    said = ["two", "red", "circles", "apple", "white", "background"]
    assert texts[roles.content].tolist() == said
    assert texts[roles.function].tolist() == ["a", "photo", "of", "and", "an", "on", "a"]


def test_a_noun_that_is_written_twice_is_not_counted() -> None:
    roles = roles_in("a blue circle and a blue circle", "blue circle")
    assert len(roles.nouns) == 0
    assert roles.content == [1, 2]


def test_figures_of_one_caption() -> None:
    roles = Roles(nouns=[1, 3], content=[1, 2, 3], function=[0])
    left_out = np.array([0.1, 0.2, 0.3, 0.4])
    figures = list(compare(np.array([0.25, 0.5, 0.25, -0.5]), left_out, roles))
    assert figures == [
        ("named nouns at zero", 0.0),
        ("named nouns at zero", 1.0),
        ("share of content words", 0.75),
        ("nouns above function words", 0.0),
        ("rank agreement with leaving out", pytest.approx(-0.632, abs=1e-3)),
    ]
    above = dict(compare(np.array([0.25, 0.5, 0.0, 0.3]), left_out, roles))
    assert above["nouns above function words"] == 1
    assert dict(compare(np.zeros(4), left_out, roles)) == {
        "named nouns at zero": 1.0,
        "nouns above function words": 0.0,
    }


def test_every_measure_of_importance_is_measured(clip: gw.ClipModel) -> None:
    measured = measure_scenes(clip, SEEDS, SEEN_STYLES, [importance_agreement])
    names = [SHOWN, *MEASURES, DIFFERENTIATED]
    assert set(measured) == {f"{what} ({name})" for what in FIGURES for name in names}
    assert measured["rank agreement with leaving out (leave-one-out)"].value == pytest.approx(1)
    shown = next(iter(MEASURES))
    for what in FIGURES:
        assert measured[f"{what} ({SHOWN})"] == measured[f"{what} ({shown})"]


def test_the_overview_and_the_papers_map_are_measured(clip: gw.ClipModel) -> None:
    measured = measure_scenes(clip, SEEDS, SEEN_STYLES, [first_picture])
    words, caption = ({k for k in measured if k.endswith(f"({m})")} for m in ("words", "caption"))
    assert len(words) == len(caption) == 4
    assert all(0 <= result.value <= 1 for result in measured.values())
    assert measured["scenes where all are (words)"].n == len(SEEDS)
    assert measured["named objects brighter than the mean (words)"].n >= len(SEEDS)
