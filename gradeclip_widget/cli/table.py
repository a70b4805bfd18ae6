"""The table of words that the command line prints."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.evidence import COUNTS, MEASURES

if TYPE_CHECKING:
    from ..explain.explanation import Explanation

_BAR = 18  # characters
_NUMBER = 13  # width in characters of the columns of the other measures


def word_table(explanation: Explanation) -> str:
    """Return a table for a terminal with the importance of every word by every measure.

    That the picture is foreign to the model is said before it; other notes stand below it.

    Words that do not count by the default measure share the last line.
    """
    e = explanation
    first, *others = (e.importance(name) for name in e.importance_measures)
    top = max(float(first.max()), 1e-12)
    shown = [w for w, value in enumerate(first) if value >= COUNTS * top]
    width = max([_columns(e.words[w].text) for w in shown] + [len("word")])
    lines = _heads(
        ["word", *(MEASURES[m] for m in e.importance_measures), "looks at (x, y)"], width
    )
    places = e.to_frame()
    for w in shown:
        bar = "█" * round(_BAR * first[w] / top)
        numbers = "".join(f"  {values[w]:{_NUMBER}.3f}" for values in others)
        x, y = places["peak_x"][w], places["peak_y"][w]
        spot = f"{x:.0f}, {y:.0f}" if places["peak"][w] > 0 else "nowhere"
        word = e.words[w].text + " " * (width - _columns(e.words[w].text))
        lines.append(f"{word}  {first[w]:7.3f}  {bar:{_BAR}}{numbers}  {spot}")
    if folded := [w for w in range(len(e.words)) if w not in shown]:
        texts = ", ".join(e.words[w].text for w in folded)
        lines.append(f"{texts}: {'together ' * (len(folded) > 1)}{first[folded].sum():.3f}")
    rows, cols = e.patch_grid
    lines.append(
        f"cosine {e.score:.4f}, logit {e.logit:.2f}; {rows} x {cols} patches; {e.method}, {e.model}"
    )
    above = [] if e.warning is None else [f"{e.warning}\n"]
    return "\n".join([*above, *lines, *e.notes[len(above) :]])


def _heads(labels: Sequence[str], width: int) -> list[str]:
    """Return the lines of the table's head; long labels take several."""
    others = len(labels) - 3
    spaces = [width, 7 + 2 + _BAR, *[_NUMBER] * others, len(labels[-1])]
    columns = [textwrap.wrap(label, n) for label, n in zip(labels, spaces, strict=True)]
    height = max(map(len, columns))
    columns = [[""] * (height - len(lines)) + lines for lines in columns]
    aligns = ["<", "<", *[">"] * others, "<"]
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
