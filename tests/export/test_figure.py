"""The plotly figure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export.painting.overview import HUE_COLORS, NEUTRAL_COLOR

from ..factories import make_explanation


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_a_figure_shows_the_picture_the_map_and_the_words(e: Explanation) -> None:
    fig = e.figure("dog", reading="alone")
    assert {trace.type for trace in fig.data} >= {"heatmap", "bar"}
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, np.maximum(e.word_map("dog", "alone"), 0))
    bars = next(trace for trace in fig.data if trace.type == "bar")
    assert sum(bars.x) == pytest.approx(e.word_importance.sum())
    assert len(fig.layout.images) == 2
    titles = [a.text.replace("<br>", " ") for a in fig.layout.annotations]
    assert titles == [
        "picture",
        "where it reads: dog",
        "the part of the score that the picture gives to the word",
    ]


def test_a_figure_of_no_word_shows_all_together_each_bar_in_its_words_hue(e: Explanation) -> None:
    faint = np.array([0.01, 0.01, 1, 1])[:, None, None]  # "a" and "red-ish" do not count
    e = dataclasses.replace(e, left_out=e.word_maps("left out") * faint)
    fig = e.figure()
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, e.evidence_map)
    bars = next(trace for trace in fig.data if trace.type == "bar")
    colors = dict(zip(fig.layout.yaxis3.ticktext, bars.marker.color, strict=True))
    assert (colors["dog "], colors["running "]) == HUE_COLORS[:2]
    assert colors["a "] == colors["red-ish "] == NEUTRAL_COLOR


def test_a_figure_as_published_shows_the_papers_map_and_shares() -> None:
    e = make_explanation(reference=True)
    fig = e.figure()
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, e.image_map)
    titles = [a.text.replace("<br>", " ") for a in fig.layout.annotations]
    assert titles[1:] == ["where it reads: whole caption", "Grad-ECLIP share of the score"]


def test_a_figure_writes_markup_in_a_caption_as_text() -> None:
    fig = make_explanation("<b>a dog</b> <a href='x'>y</a>").figure()
    assert "<b>" not in fig.layout.title.text.split("<br>")[0]
    assert "&lt;b&gt;" in fig.layout.title.text
