"""Explanations as plotly figures."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.evidence import MEASURES
from .painting.overlay import overlay
from .painting.overview import NEUTRAL_COLOR, color_of
from .picture import data_url

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..core.explanation_data import ExplanationData

_INK = "#d9580f"
_TITLE, _SUBTITLE = 110, 28  # characters that fit into a line


def figure(
    explanation: ExplanationData, phrase: str | int | Sequence[str | int] | None, reading: str
) -> go.Figure:
    """Return the plotly figure of `Explanation.figure`."""
    from plotly.subplots import make_subplots

    e = explanation
    together = phrase is None and not e.reference
    values = e.evidence_map if together else np.maximum(e.map_of(phrase, reading), 0)
    shown = "where the words are read" if together else f"where it reads: {_name(e, phrase)}"
    label = "<br>".join(textwrap.wrap(MEASURES[e.importance_measures[0]], _SUBTITLE))
    fig: go.Figure = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.36, 0.36, 0.28],
        horizontal_spacing=0.09,
        subplot_titles=("picture", _label(shown, _SUBTITLE + 16), label),
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
    # Transparent: the painted picture shows the map, and this shows its numbers under the pointer.
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
    order = np.argsort(-e.word_importance, kind="stable")
    colors = _bar_colors(e) if together else [_INK] * len(order)
    labels = [f"{html.escape(e.words[n].text)} " for n in order]
    fig.add_bar(
        x=e.word_importance[order],
        y=np.arange(len(order)),
        orientation="h",
        marker_color=[colors[n] for n in order],
        hovertemplate="%{x:.3f}<extra></extra>",
        row=1,
        col=3,
    )
    fig.update_yaxes(
        tickvals=np.arange(len(order)), ticktext=labels, autorange="reversed", row=1, col=3
    )
    title = (
        f"{_label(e.caption, _TITLE)}<br><sup>cosine {e.score:.3f} · {e.method} · {e.model}</sup>"
    )
    fig.update_layout(
        title=title,
        template="plotly_white",
        height=420,
        showlegend=False,
        margin={"t": 96, "b": 24, "l": 24, "r": 24},
    )
    return fig


def _bar_colors(e: ExplanationData) -> list[str]:
    """Return the color of each word's bar: that of its highlight in the overlay."""
    colors = [NEUTRAL_COLOR] * len(e.words)
    for highlight in e.highlights():
        for word in highlight.words:
            colors[word] = color_of(highlight)
    return colors


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
