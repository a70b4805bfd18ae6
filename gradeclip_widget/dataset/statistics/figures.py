"""Word statistics as plotly figures."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ...core.words import FUNCTION_WORDS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_Z = 1.96
_IGNORED = 0.5  # a word is ignored if it counts in a smaller share of its pairs
_ROW, _MARGIN = 24, 170  # height in pixels of a word's row, and of the rest of the figure
_TITLE = 84  # characters that fit into a line
_LABEL = 24  # characters of a word
Shows = Literal["carrying", "ignored", "changed"]


class _Palette(NamedTuple):
    """A template, and colors with contrast to its background: of Okabe & Ito (2008), and a gray."""

    template: str
    first: str
    second: str
    neutral: str


_LIGHT = _Palette("plotly_white", "#0072B2", "#D55E00", "#8a8a8a")
_DARK = _Palette("plotly_dark", "#56B4E9", "#E69F00", "#9a9a9a")


def word_figure(
    statistics: pd.DataFrame,
    shows: Shows = "carrying",
    *,
    count: int = 20,
    function_words: bool | None = None,
    dark: bool = False,
) -> go.Figure:
    """Return a figure of the words that carry the score, are ignored, or change between two runs.

    Words are ranked by the more cautious end of their interval, so that rare words with a wide interval do
    not come first by chance.

    Args:
        statistics: the table of `word_statistics`.
        shows: ``"carrying"``: the words with the largest share of the score, with both shares of two runs.
            ``"ignored"``: the words that count least often, of those that count in fewer than half of their
            pairs, and how often they lower the score.
            ``"changed"``: the words whose share differs most between two runs; words whose interval contains
            0 are gray.
        count: largest number of words.
        function_words: whether "a", "of", "with" and the like are included; by default they are, except
            with ``"ignored"``, where nearly all words would be function words.
        dark: whether the colors are for a dark page.

    Raises:
        ValueError: ``shows`` is something else, ``count`` is under 1, no words are left, or the statistics
            are of one run and ``shows`` is ``"changed"``.
    """
    draw = {"carrying": _carrying, "ignored": _ignored, "changed": _changed}
    if shows not in draw:
        raise ValueError(f"shows={shows!r}: a figure shows {', '.join(map(repr, draw))}")
    if count < 1:
        raise ValueError(f"count={count}: give at least 1")
    if shows == "changed" and "share_difference" not in statistics:
        raise ValueError(
            "these statistics are of one run; word_statistics(out, other) compares two"
        )
    if not (shows != "ignored" if function_words is None else function_words):
        statistics = statistics[~statistics["word"].isin(FUNCTION_WORDS)]
    if shows == "changed":
        statistics = statistics[statistics["share_difference"].notna()]
    if statistics.empty:
        raise ValueError(f"no words are left for a figure of words {shows}")
    return draw[shows](statistics, count, _DARK if dark else _LIGHT)


def _carrying(statistics: pd.DataFrame, count: int, palette: _Palette) -> go.Figure:
    rank = statistics["share_low"].fillna(0)
    top = _first(statistics, rank, count, ascending=False)
    both = "share_other" in top
    fig = _figure()
    for suffix, color in (("", palette.first), ("_other", palette.second))[: 1 + both]:
        fig.add_scatter(
            x=top[f"share{suffix}"],
            y=_labels(top),
            error_x=_interval(top, "share", suffix),
            mode="markers",
            orientation="h",  # the points of two runs are drawn one below the other
            marker={"size": 9, "color": color},
            name=_runs(statistics)[bool(suffix)],
            showlegend=both,
            customdata=np.stack([top[f"mean{suffix}"], top[f"counts{suffix}"]], axis=1),
            hovertemplate=(
                "%{y}: %{x:.1%} of the score<br>importance %{customdata[0]:.4f}, counts in "
                "%{customdata[1]:.0%} of its pairs<extra></extra>"
            ),
        )
    fig.update_xaxes(title="share of the caption's positive importances", tickformat=".0%")
    fig.update_layout(scattermode="group" if both else "overlay")
    title = "Words that carry the score" + ("" if both else f": {_runs(statistics)[0]}")
    return _laid_out(fig, title, len(top) * (1 + 0.6 * both), palette)


def _ignored(statistics: pd.DataFrame, count: int, palette: _Palette) -> go.Figure:
    statistics = statistics[statistics["counts"] < _IGNORED]
    if statistics.empty:
        raise ValueError(
            f"every word counts in at least {_IGNORED:.0%} of its pairs: none is ignored"
        )
    top = _first(statistics, _wilson_high(statistics), count, ascending=True)
    fig = _figure()
    series = (
        ("counts", "it counts: at least 15 % of the caption's largest importance"),
        ("lowers", "it lowers the score"),
    )
    for (column, name), color in zip(series, (palette.first, palette.second), strict=True):
        fig.add_scatter(
            x=top[column],
            y=_labels(top),
            mode="markers",
            cliponaxis=False,  # most lie at 0
            marker={
                "size": 10,
                "color": color,
                "symbol": "circle" if column == "counts" else "x-thin",
                "line": {"width": 2, "color": color},
            },
            name=name,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    fig.update_xaxes(title="share of the pairs that have the word", tickformat=".0%")
    fig.update_xaxes(range=[-0.02, 1.02])
    title = f"Words that are ignored: {_runs(statistics)[0]}"
    return _laid_out(fig, title, len(top), palette)


def _changed(statistics: pd.DataFrame, count: int, palette: _Palette) -> go.Figure:
    low, high = statistics["share_difference_low"], statistics["share_difference_high"]
    # Distance of the interval from 0; negative if it contains 0.
    distance = np.maximum(low, -high).fillna(-np.inf)
    top = _first(statistics, distance, count, ascending=False)
    top = top.sort_values("share_difference", ascending=False)
    colors = np.select(
        [top["share_difference_low"] > 0, top["share_difference_high"] < 0],
        [palette.first, palette.second],
        palette.neutral,
    )
    fig = _figure()
    kinds = (
        (palette.first, "carries more"),
        (palette.neutral, "no clear difference"),
        (palette.second, "carries less"),
    )
    labels = np.array(_labels(top, "shared"))
    for color, name in kinds:
        kind = colors == color
        fig.add_scatter(
            x=top["share_difference"][kind],
            y=labels[kind],
            error_x=_interval(top[kind], "share_difference", ""),
            mode="markers",
            marker={"size": 9, "color": color},
            name=name,
            showlegend=bool(kind.any()),
            hovertemplate="%{y}: %{x:+.1%}<extra></extra>",
        )
    fig.add_vline(x=0, line={"color": palette.neutral, "width": 1})
    fig.update_xaxes(title="difference of the share of the score", tickformat="+.0%")
    fig.update_yaxes(categoryorder="array", categoryarray=labels)
    one, other = _runs(statistics)
    return _laid_out(fig, f"Words that change from {one} to {other}", len(top), palette)


def _figure() -> Any:
    import plotly.graph_objects as go

    return go.Figure()


def _first(statistics: pd.DataFrame, rank: Any, count: int, *, ascending: bool) -> pd.DataFrame:
    """Return the first words by a rank; of equal ranks, words of more pairs come first."""
    ranked = statistics.assign(_rank=np.asarray(rank), _pairs=-statistics["pairs"])
    ranked["_rank"] *= 1 if ascending else -1
    return ranked.sort_values(["_rank", "_pairs", "word"]).head(count)


def _wilson_high(statistics: pd.DataFrame) -> Any:
    """Return the upper end of Wilson's 95 % interval of the share of pairs in which a word counts."""
    n, p = statistics["pairs"], statistics["counts"]
    center = p + _Z**2 / (2 * n)
    half = _Z * np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return (center + half) / (1 + _Z**2 / n)


def _interval(words: pd.DataFrame, name: str, suffix: str) -> dict[str, Any]:
    mean = words[f"{name}{suffix}"]
    return {
        "type": "data",
        "array": words[f"{name}_high{suffix}"] - mean,
        "arrayminus": mean - words[f"{name}_low{suffix}"],
        "thickness": 1.5,
        "width": 0,
    }


def _labels(words: pd.DataFrame, pairs: str = "pairs") -> list[str]:
    """Return the words with their numbers of pairs, escaped, since plotly interprets tags."""
    return [
        f"{html.escape(textwrap.shorten(word, _LABEL, placeholder='…') or word[:_LABEL])} ({n:,})"
        for word, n in zip(words["word"], words[pairs], strict=True)
    ]


def _runs(statistics: pd.DataFrame) -> list[str]:
    names = [*statistics.attrs.get("runs", ["one run", "another"]), ""]
    return [html.escape(name) for name in names[:2]]


def _laid_out(fig: go.Figure, title: str, rows: float, palette: _Palette) -> go.Figure:
    lines = "<br>".join(textwrap.wrap(title, _TITLE))
    fig.update_yaxes(autorange="reversed", automargin=True, ticksuffix="  ")
    return fig.update_layout(
        title={"text": lines, "font": {"size": 15}},
        template=palette.template,
        height=_MARGIN + int(_ROW * rows),
        legend={"orientation": "h", "yanchor": "bottom", "y": 1, "x": 0},
        margin={"t": 96, "b": 56, "l": 24, "r": 24},
    )
