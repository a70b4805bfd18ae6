"""Explanations as pictures, plotly figures and tables."""

from __future__ import annotations

import base64
import html
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from .evidence import MEASURES
from .overview import NEUTRAL_COLOR, color_of, dim_unseen, paint_overview
from .payload import display_image

if TYPE_CHECKING:
    import pandas as pd

    from .explanation import Explanation, Maps

DIVERGING = "RdBu_r"
SIGNS = ("positive", "negative", "both")
_FLOOR = 0.12  # of the opacity: the picture's dark veil where there is no evidence
_INK = "#d9580f"
_TITLE, _SUBTITLE = 110, 28  # characters that fit


def overlay(
    explanation: Explanation,
    phrase: str | int | Sequence[str | int] | None,
    reading: str,
    opacity: float,
    color_scale: str,
    sign: str,
    caption_map: bool,
) -> Image.Image:
    """Paint one map or all words together over the picture; see `Explanation.overlay`."""
    e = explanation
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity={opacity}: give 0 to 1")
    if sign not in SIGNS:
        raise ValueError(f"sign={sign!r}: use one of {', '.join(map(repr, SIGNS))}")
    if caption_map and phrase is not None:
        raise ValueError(f"caption_map=True paints no words: leave out {phrase!r}")
    table = _color_table(DIVERGING if sign == "both" else color_scale)
    if phrase is not None or caption_map or e.reference:
        return _paint(e, e.map_of(phrase, reading), opacity, table, sign)
    if sign != "positive":
        raise ValueError(f"sign={sign!r} is of a single map: give a word, or caption_map=True")
    return paint_overview(e, opacity)


def _paint(
    explanation: Explanation, values: Maps, opacity: float, table: NDArray[np.uint8], sign: str
) -> Image.Image:
    """Paint a signed map (rows, cols) over the picture, in the 256 colors of a table."""
    level, strength = _levels(values, sign)
    x0, y0, x1, y1 = (round(v) for v in explanation.cover)
    level, strength = (_enlarge(a, (x1 - x0, y1 - y0)) for a in (level, strength))
    heat = Image.fromarray(table[np.rint(level * 255).astype(np.uint8)])
    alpha = np.rint(255 * opacity * np.minimum(1, _FLOOR + 1.25 * strength))
    out = explanation.image.convert("RGB")
    out = dim_unseen(out, (x0, y0, x1, y1))
    out.paste(heat, (x0, y0), Image.fromarray(alpha.astype(np.uint8)))
    return out


def figure(
    explanation: Explanation, phrase: str | int | Sequence[str | int] | None, reading: str
) -> go.Figure:
    """The picture, the picture with its evidence, and bars of word importance."""
    e = explanation
    together = phrase is None and not e.reference
    values = e.evidence_map if together else np.maximum(e.map_of(phrase, reading), 0)
    shown = "where the words are read" if together else f"where it reads: {_name(e, phrase)}"
    label = "<br>".join(textwrap.wrap(MEASURES[e.importance_measures[0]], _SUBTITLE))
    fig = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.36, 0.36, 0.28],
        horizontal_spacing=0.09,
        subplot_titles=("picture", _label(shown, _SUBTITLE + 16), label),
    )
    x0, y0, x1, y1 = e.cover
    rows, cols = e.patch_grid
    for col, picture in ((1, e.image), (2, e.overlay(phrase, reading=reading))):
        fig.add_layout_image(
            source=_data_url(picture),
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
    # Unseen: the painted picture shows the map, this says its numbers.
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


def _bar_colors(e: Explanation) -> list[str]:
    """Return each word's color in the picture of all words together."""
    colors = [NEUTRAL_COLOR] * len(e.words)
    for highlight in e.highlights():
        for word in highlight.words:
            colors[word] = color_of(highlight)
    return colors


def table(explanation: Explanation) -> pd.DataFrame:
    """A row per word; see `Explanation.to_frame`."""
    import pandas as pd

    e = explanation
    maps = e.word_maps(e.evidence_reading)
    rows, cols = e.patch_grid
    x0, y0, x1, y1 = e.cover
    measures = e.importance_measures
    peaks = maps.reshape(len(maps), -1).argmax(1)
    return pd.DataFrame(
        {
            "word": [w.text for w in e.words],
            "importance": e.word_importance,
            **{
                name.replace("-", "_"): e.importance(name) if name in measures else np.nan
                for name in MEASURES
            },
            "sum": maps.sum((1, 2)),
            "peak": maps.max((1, 2)),
            "peak_x": x0 + (peaks % cols + 0.5) * (x1 - x0) / cols,
            "peak_y": y0 + (peaks // cols + 0.5) * (y1 - y0) / rows,
            "read": [bool(w.tokens) and not w.truncated for w in e.words],
            "known": [w.known for w in e.words],
        }
    )


def _levels(values: Maps, sign: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Place on the color scale and strength, each (rows, cols) in 0..1."""
    tiny = float(np.finfo(np.float32).tiny)
    if sign == "both":
        scaled: Maps = (values / max(float(np.abs(values).max()), tiny)).astype(np.float32)
        return np.float32(0.5) * (scaled + np.float32(1)), np.abs(scaled)
    shown = np.maximum(values if sign == "positive" else -values, 0)
    scaled = (shown / max(float(shown.max()), tiny)).astype(np.float32)
    return scaled, scaled


def _enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear between patch centres, as the front end paints."""
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)).clip(0, 1)


def _color_table(name: str) -> NDArray[np.uint8]:
    try:
        colors = plotly.colors.sample_colorscale(name, np.linspace(0, 1, 256), colortype="tuple")
    except Exception as error:
        raise ValueError(
            f"no color scale {name!r}; use a plotly one such as 'inferno', 'viridis' or 'cividis'"
        ) from error
    table: NDArray[np.uint8] = np.rint(np.array(colors) * 255).astype(np.uint8)
    return table


def _name(e: Explanation, phrase: str | int | Sequence[str | int] | None) -> str:
    if phrase is None:
        return "whole caption"
    if isinstance(phrase, str):
        return phrase
    indices = [phrase] if isinstance(phrase, int) else phrase
    return " ".join(e.words[e.word_index(w)].text for w in indices)


def _label(text: str, characters: int) -> str:
    """Text for plotly, which reads tags in it."""
    return html.escape(textwrap.shorten(text, characters, placeholder=" …"))


def _data_url(image: Image.Image) -> str:
    return "data:image/webp;base64," + base64.b64encode(display_image(image)).decode("ascii")
