"""What the shipped weights reach on 100 scenes that training never saw."""

from __future__ import annotations

import pytest

import gradeclip_widget as gw
from training.evaluate import evaluate, table
from training.measured import Measured, Result, mentions

SCENES = 100
BARS = {  # seen styles, held-out style; a little under what the weights reach on these scenes
    "naming top-1": (0.99, 0.95),
    "naming top-5": (0.99, 0.98),
    "retrieval among 100": (0.97, 0.95),
    "color of a named shape": (0.98, 0.98),
    "pointing game": (0.98, 0.97),
    "pointing game to the pixel": (0.94, 0.93),
    "energy in the mask": (0.77, 0.75),
    "click -> word": (0.98, 0.98),
    "region names its object first": (0.98, 0.96),
    "region names its object among three": (0.99, 0.98),
    "nouns above function words (shown)": (0.98, 0.96),
    "nouns above function words (grad-eclip)": (0.95, 0.93),
    "rank agreement with leaving out (shown)": (0.79, 0.79),
    "rank agreement with leaving out (grad-eclip)": (0.59, 0.59),
    "named objects brighter than the mean (words)": (0.99, 0.99),
    "scenes where all are (words)": (0.98, 0.98),
}
CEILINGS = {
    "named nouns at zero (shown)": (0.01, 0.015),
    "named nouns at zero (grad-eclip)": (0.01, 0.02),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, Measured]:
    return evaluate(gw.load("demo", device="cpu"), SCENES)


@pytest.mark.parametrize("what", BARS)
def test_the_packages_weights_reach_their_minimum(measured: dict[str, Measured], what: str) -> None:
    seen, held_out = BARS[what]
    assert measured["seen"][what].value >= seen
    assert measured["held out"][what].value >= held_out


@pytest.mark.parametrize("what", CEILINGS)
def test_the_packages_weights_stay_below_their_maximum(
    measured: dict[str, Measured], what: str
) -> None:
    seen, held_out = CEILINGS[what]
    assert measured["seen"][what].value <= seen
    assert measured["held out"][what].value <= held_out


def test_the_words_of_a_named_thing_are_located() -> None:
    scene = gw.demo.sample_scene(500_010, ["red circle", "apple"])
    explanation = gw.Explainer(gw.load("demo"))(scene.image, "a red circle and an apple")
    scene = type(scene)(scene.image, explanation.caption, scene.objects, ("red circle", "apple"))
    assert [words for _, words in mentions(scene, explanation)] == [[1, 2], [5]]


def test_the_table_has_a_row_for_each_measure() -> None:
    results = {"seen": {"naming": Result(0.5, 10)}, "held out": {"naming": Result(0.25, 12)}}
    assert table(results).splitlines()[-1] == "| naming | 0.500 | 0.250 | 10, 12 |"
