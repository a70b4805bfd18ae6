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

    from ..core.explanation_data import ExplanationData, Maps

_INK, _TOTAL = "#d9580f", "#3557d6"
_TITLE, _SUBTITLE = 100, 24  # characters that fit in a line
_UNIT = "part of the score (cosine similarity)"
# Pixels; the width is that of a picture where the figure is as wide as a notebook's cell.
_MARGIN = {"t": 104, "b": 56, "l": 24, "r": 24}
_WIDTH, _BAR_HEIGHT = 310, 19


def figure(
    explanation: ExplanationData, phrase: str | int | Sequence[str | int] | None, reading: str
) -> go.Figure:
    """Return the plotly figure of `Explanation.figure`."""
    import plotly.io
    from plotly.subplots import make_subplots

    e = explanation
    together = phrase is None and not e.reference
    values = _values(e, phrase, reading)
    name = "each word" if together else _name(e, phrase)
    titles = ("Picture", f"Where {name} is seen", _sentence(MEASURES[e.importance_measures[0]]))
    fig: go.Figure = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.35, 0.35, 0.3],
        horizontal_spacing=0.03,
        subplot_titles=[_wrap(title) for title in titles],
    )
    fig.update_annotations(font_size=14)
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
            constrain="domain",
            constraintoward="top",
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
        hovertemplate="%{z:.4f} of the score from this patch<extra></extra>",
        row=1,
        col=2,
    )
    bars = _bars(e, phrase)
    fig.add_bar(
        x=[bar.value for bar in bars],
        base=[bar.start for bar in bars],
        y=np.arange(len(bars)),
        orientation="h",
        marker_color=[bar.color for bar in bars],
        marker_pattern_shape=["/" if bar.value < 0 else "" for bar in bars],
        customdata=[bar.value for bar in bars],
        hovertemplate="%{customdata:.4f} of the score<extra></extra>",
        row=1,
        col=3,
    )
    # On the right, where plotly makes room for long words.
    fig.update_yaxes(
        tickvals=np.arange(len(bars)),
        ticktext=[f" {bar.value:.3f}  {html.escape(bar.label)}" for bar in bars],
        autorange="reversed",
        side="right",
        automargin=True,
        row=1,
        col=3,
    )
    fig.update_xaxes(title={"text": _UNIT, "font_size": 12}, row=1, col=3)
    title = (
        f"{_label(e.caption, _TITLE)}<br>"
        f"<sup>score {e.score:.3f} (cosine similarity) · {e.method} · {e.model_label}</sup>"
    )
    shape = min(max(e.image.height / e.image.width, 0.6), 1.5)
    own = plotly.io.templates.default  # a user's choice, such as "plotly_dark"
    fig.update_layout(
        title={"text": title, "x": 0.5, "xanchor": "center", "y": 1, "yanchor": "top", "pad_t": 16},
        template="plotly_white" if own == "plotly" else own,
        height=max(round(_WIDTH * shape), _BAR_HEIGHT * len(bars)) + _MARGIN["t"] + _MARGIN["b"],
        showlegend=False,
        margin=_MARGIN,
    )
    return fig


def _values(
    e: ExplanationData, phrase: str | int | Sequence[str | int] | None, reading: str
) -> Maps:
    """Return the map that `overlay` paints, in units of the score."""
    if phrase is not None:
        return e.phrase_map(phrase, reading)
    return np.maximum(e.caption_map(both_signs=True), 0) if e.reference else e.evidence_map


class _Bar(NamedTuple):
    label: str
    start: float
    value: float
    color: str


def _bars(e: ExplanationData, phrase: str | int | Sequence[str | int] | None) -> list[_Bar]:
    """Return a bar for every word, the most important first, in its color in the overlay.

    Words that the overlay does not paint are gray.

    If the measure's values add up, each bar begins where the previous one ends, between a bar of the base and
    a bar of the score.
    """
    if phrase is not None or e.reference:
        painted = range(len(e.words)) if phrase is None else e.phrase_words(phrase)
        colors = dict.fromkeys(painted, _INK)
    else:
        colors = {word: color_of(one) for one in e.highlights() for word in one.words}
    base, values = e.base(), e.word_importance
    at = base or 0.0
    bars = []
    if base is not None and abs(base) >= UNSEEN:
        bars.append(_Bar("empty caption", 0, base, NEUTRAL_COLOR))
    for w in np.argsort(-values, kind="stable"):
        if e.unread[w]:
            continue
        start = 0.0 if base is None else at
        bars.append(_Bar(e.words[w].text, start, float(values[w]), colors.get(w, NEUTRAL_COLOR)))
        at = start + float(values[w])
    if base is not None:
        if not all(e.known):
            bars.append(_Bar("unknown words", at, e.score - at, NEUTRAL_COLOR))
        bars.append(_Bar("this caption", 0, e.score, _TOTAL))
    return bars


def _name(e: ExplanationData, phrase: str | int | Sequence[str | int] | None) -> str:
    if phrase is None:
        return "the whole sentence"
    return f"“{' '.join(e.words[w].text for w in e.phrase_words(phrase))}”"


def _sentence(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _wrap(text: str) -> str:
    """Return a text in lines for plotly, which interprets tags."""
    return "<br>".join(html.escape(line) for line in textwrap.wrap(text, _SUBTITLE))


def _label(text: str, characters: int) -> str:
    """Return a text shortened and escaped for plotly, which interprets tags."""
    return html.escape(textwrap.shorten(text, characters, placeholder=" …"))
