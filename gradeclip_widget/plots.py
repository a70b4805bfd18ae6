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

from .payload import display_image

if TYPE_CHECKING:
    import pandas as pd

    from .explanation import Explanation, Maps

DIVERGING = "RdBu_r"
SIGNS = ("positive", "negative", "both")
_FLOOR = 0.12  # of the opacity: the picture's dark veil where there is no evidence
_DIM = 0.6
_INK = "#d9580f"
_TITLE, _SUBTITLE = 110, 28  # characters that fit


def paint(
    explanation: Explanation, values: Maps, opacity: float, color_scale: str, sign: str
) -> Image.Image:
    """Paint a signed map (rows, cols) over the picture; see `Explanation.overlay`."""
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity={opacity}: give 0 to 1")
    level, strength = _levels(values, sign)
    table = _color_table(DIVERGING if sign == "both" else color_scale)
    x0, y0, x1, y1 = (round(v) for v in explanation.cover)
    level, strength = (_enlarge(a, (x1 - x0, y1 - y0)) for a in (level, strength))
    heat = Image.fromarray(table[np.rint(level * 255).astype(np.uint8)])
    alpha = np.rint(255 * opacity * np.minimum(1, _FLOOR + 1.25 * strength))
    out = explanation.image.convert("RGB")
    if (x0, y0, x1, y1) != (0, 0, *out.size):  # what the model did not see is dimmed
        seen = out.crop((x0, y0, x1, y1))
        out = Image.blend(out, Image.new("RGB", out.size), _DIM)
        out.paste(seen, (x0, y0))
    out.paste(heat, (x0, y0), Image.fromarray(alpha.astype(np.uint8)))
    return out


def figure(
    explanation: Explanation, phrase: str | int | Sequence[str | int] | None, reading: str
) -> go.Figure:
    """The picture, the picture with a map, and bars of word importance."""
    e = explanation
    values = np.maximum(e.map_of(phrase, reading), 0)
    name = _name(e, phrase)
    fig = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.36, 0.36, 0.28],
        horizontal_spacing=0.09,
        subplot_titles=("picture", f"where it reads: {_label(name, _SUBTITLE)}", "word importance"),
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
    labels = [f"{html.escape(e.words[n].text)} " for n in order]
    fig.add_bar(
        x=e.word_importance[order],
        y=np.arange(len(order)),
        orientation="h",
        marker_color=_INK,
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


def table(explanation: Explanation) -> pd.DataFrame:
    """A row per word; see `Explanation.to_frame`."""
    import pandas as pd

    e = explanation
    maps = e.word_maps()
    rows, cols = e.patch_grid
    x0, y0, x1, y1 = e.cover
    peaks = maps.reshape(len(maps), -1).argmax(1)
    return pd.DataFrame(
        {
            "word": [w.text for w in e.words],
            "importance": e.word_importance,
            "effect": np.nan if e.word_effects is None else e.word_effects,
            "sum": maps.sum((1, 2)),
            "peak": maps.max((1, 2)),
            "peak_x": x0 + (peaks % cols + 0.5) * (x1 - x0) / cols,
            "peak_y": y0 + (peaks // cols + 0.5) * (y1 - y0) / rows,
            "read": [bool(w.tokens) and not w.truncated for w in e.words],
            "known": [w.known for w in e.words],
        }
    )


def _levels(values: Maps, sign: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Place on the colour scale and strength, each (rows, cols) in 0..1."""
    if sign not in SIGNS:
        raise ValueError(f"sign={sign!r}: use one of {', '.join(map(repr, SIGNS))}")
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
            f"no colour scale {name!r}; use a plotly one such as 'inferno', 'viridis' or 'cividis'"
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
