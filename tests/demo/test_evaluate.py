"""What the shipped weights reach on 200 scenes that training never saw."""

from __future__ import annotations

import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo.evaluate import Measured, Result, evaluate, mentions, table

SCENES = 200
BARS = {  # seen styles, held-out style; a little under what the weights reach on these scenes
    "naming top-1": (0.82, 0.62),
    "naming top-5": (0.95, 0.89),
    "retrieval among 100": (0.90, 0.82),
    "colour of a named shape": (0.87, 0.87),
    "pointing game at 224 px": (0.88, 0.87),
    "pointing game to the pixel at 224 px": (0.71, 0.70),
    "energy in the mask at 224 px": (0.46, 0.44),
    "click -> word at 224 px": (0.89, 0.86),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, Measured]:
    return evaluate(gw.load("demo", device="cpu"), SCENES)


@pytest.mark.parametrize("what", BARS)
def test_the_shipped_weights_reach_their_bars(measured: dict[str, Measured], what: str) -> None:
    seen, held_out = BARS[what]
    assert measured["seen"][what].value >= seen
    assert measured["held out"][what].value >= held_out


def test_a_named_thing_is_found_in_its_caption() -> None:
    scene = gw.demo.sample_scene(500_010, ["orange circle", "orange"])
    explanation = gw.Explainer(gw.load("demo"))(scene.image, "an orange circle and an orange")
    scene = type(scene)(
        scene.image, explanation.caption, scene.objects, ("orange circle", "orange")
    )
    assert [words for _, words in mentions(scene, explanation)] == [[1, 2], [5]]


def test_the_table_has_a_row_for_each_measure() -> None:
    results = {"seen": {"naming": Result(0.5, 10)}, "held out": {"naming": Result(0.25, 12)}}
    assert table(results).splitlines()[-1] == "| naming | 0.500 | 0.250 | 10, 12 |"
