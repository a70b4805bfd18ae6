"""Evaluations as plotly figures."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING

from PIL import ImageColor

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

FIGURE = "figure"  # column of the tables of a measure with several quantities

# Okabe & Ito (2008), for color-blind readers too, without the yellow, which is hard to see on white.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("solid", "dash", "dot")  # of the first, second and third method of one color
_BAND = 0.12  # opacity of the interval around a curve
_ROW, _MARGIN = 28, 150  # height in pixels of a method's row, and of the rest of the figure
_TITLE = 80  # characters that fit into a line


def curve_figure(
    title: str, table: pd.DataFrame, curves: pd.DataFrame, step: str, unit: str
) -> go.Figure:
    """Return a figure with a line per method, the best first, and its interval as a band.

    Args:
        title: title of the figure.
        table: as in `Evaluation.table`.
        curves: as in `Evaluation.curves`.
        step: label of the x axis.
        unit: label of the y axis.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    for n, method in enumerate(table["method"]):
        _add_curve(fig, n, html.escape(method), curves[curves["method"] == method])
    fig.update_xaxes(title=html.escape(step), tickformat=".0%")
    fig.update_yaxes(title=html.escape(unit))
    return _laid_out(fig, title, "method")


def interval_figure(
    title: str, table: pd.DataFrame, grouped_by: str | None, unit: str
) -> go.Figure:
    """Return a figure with a point and its interval per method, or per method and group, the best on top.

    Args:
        title: title of the figure.
        table: as in `Evaluation.table`. If it has several quantities, each has a separate row.
        grouped_by: its column of groups, if it has one.
        unit: label of the x axis.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    table = table.assign(label=_labels(table))
    groups = [("", table)] if grouped_by is None else list(table.groupby(grouped_by, sort=False))
    for n, (group, rows) in enumerate(groups):
        fig.add_scatter(
            x=rows["mean"],
            y=[html.escape(label) for label in rows["label"]],
            error_x={
                "type": "data",
                "array": rows["high"] - rows["mean"],
                "arrayminus": rows["mean"] - rows["low"],
            },
            mode="markers",
            orientation="h",  # groups of one method are drawn one below the other
            marker={"size": 9, "color": _COLORS[n % len(_COLORS)]},
            name=html.escape(group),
            showlegend=bool(group),
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    fig.update_xaxes(title=html.escape(unit))
    fig.update_yaxes(autorange="reversed", automargin=True)
    count = len(set(table["label"])) * len(groups)
    fig.update_layout(
        height=_MARGIN + _ROW * count, scattermode="group" if grouped_by else "overlay"
    )
    return _laid_out(fig, title, grouped_by or "")


def _labels(table: pd.DataFrame) -> list[str]:
    """Return the labels of a table's rows: methods, quantities, or both if there are several of both."""
    methods = [str(method) for method in table["method"]]
    if FIGURE not in table:
        return methods
    figures = [str(figure) for figure in table[FIGURE]]
    if len(set(methods)) == 1:
        return figures
    pairs = zip(methods, figures, strict=True)
    return [f"{method}: {figure}" for method, figure in pairs]


def _add_curve(fig: go.Figure, n: int, name: str, points: pd.DataFrame) -> None:
    """Add the n-th method's line and band."""
    color = _COLORS[n % len(_COLORS)]
    red, green, blue = ImageColor.getrgb(color)[:3]
    fig.add_scatter(
        x=[*points["step"], *points["step"][::-1]],
        y=[*points["high"], *points["low"][::-1]],
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({red}, {green}, {blue}, {_BAND})",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    fig.add_scatter(
        x=points["step"],
        y=points["mean"],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        marker={"size": 5},
        line={"color": color, "dash": _DASHES[n // len(_COLORS) % len(_DASHES)]},
    )


def _laid_out(fig: go.Figure, title: str, legend: str) -> go.Figure:
    lines = "<br>".join(textwrap.wrap(html.escape(title), _TITLE))
    return fig.update_layout(
        title={"text": lines, "font": {"size": 15}},
        template="plotly_white",
        legend={"title": {"text": html.escape(legend)}},
        margin={"t": 72, "b": 56, "l": 24, "r": 24},
    )
