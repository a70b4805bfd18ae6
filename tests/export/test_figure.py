"""The plotly figure."""

from __future__ import annotations

import numpy as np
import plotly.io
import pytest

from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export.painting.overview import HUE_COLORS, NEUTRAL_COLOR

from ..factories import make_explanation, with_values


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_a_figure_shows_the_picture_the_map_and_the_words(e: Explanation) -> None:
    fig = e.figure("dog", reading="alone")
    assert {trace.type for trace in fig.data} >= {"heatmap", "bar"}
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_array_equal(heat.z, e.word_map("dog", "alone"))
    bars = next(trace for trace in fig.data if trace.type == "bar")
    assert sum(bars.x[:-1]) == pytest.approx(e.word_importance.sum())
    ends = [start + value for start, value in zip(bars.base, bars.x, strict=True)]
    assert list(bars.base[1:-1]) == pytest.approx(ends[:-2])  # each begins where the last one ends
    assert (bars.x[-1], bars.base[-1]) == (e.score, 0)
    assert ends[-2] == pytest.approx(e.score)
    assert len(fig.layout.images) == 2
    titles = [a.text.replace("<br>", " ") for a in fig.layout.annotations]
    assert titles == ["Picture", "Where “dog” is seen", "What the word adds to the score"]
    assert fig.layout.xaxis3.title.text == "part of the score (cosine similarity)"
    colors = dict(zip(fig.layout.yaxis3.ticktext, bars.marker.color, strict=True))
    assert len(set(colors.values())) == 3  # of the painted word, of other words, of the score


def test_a_figure_of_all_words_has_bars_in_their_hues(e: Explanation) -> None:
    e = with_values(e, [0.001, 0.001, 0.1, 0.2])  # "a" and "red-ish" do not count
    fig = e.figure()
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, e.evidence_map)
    bars = next(trace for trace in fig.data if trace.type == "bar")
    names = [label.split()[-1] for label in fig.layout.yaxis3.ticktext]
    colors = dict(zip(names, bars.marker.color, strict=True))
    assert (colors["dog"], colors["running"]) == HUE_COLORS[:2]
    assert colors["a"] == colors["red-ish"] == NEUTRAL_COLOR


def test_a_reference_figure_has_the_papers_map_and_shares() -> None:
    e = make_explanation(reference=True)
    fig = e.figure()
    heat = next(trace for trace in fig.data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, e.caption_map())
    titles = [a.text.replace("<br>", " ") for a in fig.layout.annotations]
    assert titles[1:] == ["Where the whole sentence is seen", "Grad-ECLIP share (never negative)"]


def test_a_figure_has_the_users_plotly_theme(e: Explanation, monkeypatch) -> None:
    monkeypatch.setattr(plotly.io.templates, "default", "plotly_dark")
    dark = plotly.io.templates["plotly_dark"].layout.paper_bgcolor
    assert e.figure().layout.template.layout.paper_bgcolor == dark


def test_a_figure_writes_markup_in_a_caption_as_text() -> None:
    fig = make_explanation("<b>a dog</b> <a href='x'>y</a>").figure()
    assert "<b>" not in fig.layout.title.text.split("<br>")[0]
    assert "&lt;b&gt;" in fig.layout.title.text
