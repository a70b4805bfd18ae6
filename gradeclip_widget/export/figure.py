"""Explanations as plotly figures."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.evidence import MEASURES, UNSEEN
from .painting.overlay import overlay
from .painting.overview import NEUTRAL_COLOR, color_of
from .picture import data_url

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..core.explanation_data import ExplanationData

_INK, _TOTAL = "#d9580f", "#3557d6"
_TITLE, _SUBTITLE = 110, 28  # characters that fit in a line


def figure(
    explanation: ExplanationData, phrase: str | int | Sequence[str | int] | None, reading: str
) -> go.Figure:
    """Return the plotly figure of `Explanation.figure`."""
    from plotly.subplots import make_subplots

    e = explanation
    together = phrase is None and not e.reference
    values = e.evidence_map if together else np.maximum(e.map_of(phrase, reading), 0)
    subtitle = "where the words are read" if together else f"where it reads: {_name(e, phrase)}"
    label = "<br>".join(textwrap.wrap(MEASURES[e.importance_measures[0]], _SUBTITLE))
    fig: go.Figure = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.36, 0.36, 0.28],
        horizontal_spacing=0.09,
        subplot_titles=("picture", _label(subtitle, _SUBTITLE + 16), label),
    )
    x0, y0, x1, y1 = e.cover
    rows, cols = e.patch_grid
    for col, picture in ((1, e.image), (2, overlay(e, phrase, reading))):
        fig.add_layout_image(
            source=data_url(picture),
            xref=f"x{col if col > 1 else ''}",
            yref=f"y{col if col > 1 else ''}",
            x=0,
            y=0,
            sizex=e.image.width,
            sizey=e.image.height,
            sizing="stretch",
            layer="below",
        )
        fig.update_xaxes(range=[0, e.image.width], visible=False, row=1, col=col)
        fig.update_yaxes(
            range=[e.image.height, 0],
            visible=False,
            scaleanchor=f"x{col}".rstrip("1"),
            row=1,
            col=col,
        )
    fig.add_scatter(x=[None], y=[None], showlegend=False, row=1, col=1)
    # A transparent heat map, which only shows the numbers under the pointer.
    fig.add_heatmap(
        z=values,
        x=x0 + (np.arange(cols) + 0.5) * (x1 - x0) / cols,
        y=y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows,
        opacity=0,
        showscale=False,
        hovertemplate="%{z:.4f}<extra></extra>",
        row=1,
        col=2,
    )
    bars = _bars(e, together)
    fig.add_bar(
        x=[bar.value for bar in bars],
        base=[bar.start for bar in bars],
        y=np.arange(len(bars)),
        orientation="h",
        marker_color=[bar.color for bar in bars],
        marker_pattern_shape=["/" if bar.value < 0 else "" for bar in bars],
        customdata=[bar.value for bar in bars],
        hovertemplate="%{customdata:.3f}<extra></extra>",
        row=1,
        col=3,
    )
    labels = [f"{html.escape(bar.label)} " for bar in bars]
    fig.update_yaxes(
        tickvals=np.arange(len(bars)), ticktext=labels, autorange="reversed", row=1, col=3
    )
    title = (
        f"{_label(e.caption, _TITLE)}<br>"
        f"<sup>cosine {e.score:.3f} · {e.method} · {e.model_label}</sup>"
    )
    fig.update_layout(
        title=title,
        template="plotly_white",
        height=420,
        showlegend=False,
        margin={"t": 96, "b": 24, "l": 24, "r": 24},
    )
    return fig


class _Bar(NamedTuple):
    label: str
    start: float
    value: float
    color: str


def _bars(e: ExplanationData, together: bool) -> list[_Bar]:
    """Return a bar for every word, the most important first, in its color in the overlay.

    If the measure's values add up, each bar begins where the previous one ends, between a bar of the base and
    a bar of the score.
    """
    colors = [NEUTRAL_COLOR if together else _INK] * len(e.words)
    for highlight in e.highlights() if together else ():
        for word in highlight.words:
            colors[word] = color_of(highlight)
    base, values = e.base(), e.word_importance
    at = base or 0.0
    bars = []
    if base is not None and abs(base) >= UNSEEN:
        bars.append(_Bar("empty caption", 0, base, NEUTRAL_COLOR))
    for w in np.argsort(-values, kind="stable"):
        start = 0.0 if base is None else at
        bars.append(_Bar(e.words[w].text, start, float(values[w]), colors[w]))
        at = start + float(values[w])
    if base is not None:
        if not all(e.known):
            bars.append(_Bar("unknown words", at, e.score - at, NEUTRAL_COLOR))
        bars.append(_Bar("this caption", 0, e.score, _TOTAL))
    return bars


def _name(e: ExplanationData, phrase: str | int | Sequence[str | int] | None) -> str:
    if phrase is None:
        return "whole caption"
    if isinstance(phrase, str):
        return phrase
    indices = [phrase] if isinstance(phrase, int) else phrase
    return " ".join(e.words[e.word_index(w)].text for w in indices)


def _label(text: str, characters: int) -> str:
    """Return a text shortened and escaped for plotly, which interprets tags."""
    return html.escape(textwrap.shorten(text, characters, placeholder=" …"))
