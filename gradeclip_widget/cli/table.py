"""The table of words that the command line prints."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.evidence import COUNTS, MEASURES, UNSEEN
from ..core.match import describe_match

if TYPE_CHECKING:
    from ..explain.explanation import Explanation

_BAR = 18  # characters
_NUMBER = 13  # width in characters of the columns of the other measures


def word_table(explanation: Explanation) -> str:
    """Return a table for a terminal with the importance of every word by every measure.

    The numbers are in units of the score, and equal those of `Explanation.to_frame`.

    A warning that the picture is foreign to the model comes before the table; other notes come after it.

    If the default measure's values add up to the score, the first row is the score of an empty caption. Words
    that neither count nor lower the score by that measure share a line.
    """
    e = explanation
    first, *more = (e.importance(name) for name in e.importance_measures)
    top, base = max(float(np.abs(first).max()), 1e-12), e.base()
    lowers = e.lowering_words()
    floor = max(COUNTS * float(first.max()), 1e-12)
    rows = [w for w, value in enumerate(first) if value >= floor or w in lowers]
    width = max(_columns(text) for text in ["word", *(e.words[w].text for w in rows)])
    lines = _heads(
        ["word", *(MEASURES[m] for m in e.importance_measures), "strongest at (x, y), pixels"],
        width,
    )
    if base is not None and abs(base) >= UNSEEN:
        lines.append(f"{base:{width + 9}.3f}  an empty caption")
    places = e.to_frame()
    for w in rows:
        bar = ("█" if first[w] > 0 else "░") * round(_BAR * abs(first[w]) / top)
        numbers = "".join(f"  {values[w]:{_NUMBER}.3f}" for values in more)
        x, y = places["x"][w], places["y"][w]
        spot = "nowhere" if np.isnan(x) else f"{x:.0f}, {y:.0f}"
        word = e.words[w].text + " " * (width - _columns(e.words[w].text))
        place = "lowers the score" if w in lowers else spot
        lines.append(f"{word}  {first[w]:+7.3f}  {bar:{_BAR}}{numbers}  {place}")
    known = [w for w, word in enumerate(e.words) if word.known and not e.unread[w]]
    if folded := [w for w in known if w not in rows]:
        texts = ", ".join(e.words[w].text for w in folded)
        lines.append(f"{texts}: {'together ' * (len(folded) > 1)}{first[folded].sum():+.3f}")
    if unknown := [word.text for word in e.words if not word.known]:
        rest = "" if base is None else f": {e.score - base - float(first.sum()):+.3f}"
        lines.append(f"unknown to this model: {', '.join(unknown)}{rest}")
    match = "" if e.unrelated_scores is None else f", {describe_match(e.score, e.unrelated_scores)}"
    lines.append(f"score {e.score:.4f} (cosine){match}")
    height, width = e.patch_grid
    lines.append(f"logit {e.logit:.2f}; {height} x {width} patches; {e.method}, {e.model}")
    above = [] if e.warning is None else [f"{e.warning}\n"]
    return "\n".join([*above, *lines, *e.notes[len(above) :]])


def _heads(labels: Sequence[str], width: int) -> list[str]:
    """Return the lines of the table's head; long labels need several lines."""
    more = len(labels) - 3  # columns of the other measures
    spaces = [width, 7 + 2 + _BAR, *[_NUMBER] * more, len(labels[-1])]
    columns = [textwrap.wrap(label, n) for label, n in zip(labels, spaces, strict=True)]
    height = max(map(len, columns))
    columns = [[""] * (height - len(lines)) + lines for lines in columns]
    aligns = ["<", "<", *[">"] * more, "<"]
    return [
        "  ".join(
            f"{cell:{a}{n}}" for cell, a, n in zip(cells, aligns, spaces, strict=True)
        ).rstrip()
        for cells in zip(*columns, strict=True)
    ]


def _columns(text: str) -> int:
    """Return the width of a text in a terminal, in columns."""
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)
