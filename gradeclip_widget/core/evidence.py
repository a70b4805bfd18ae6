"""Evidence in units of the score: what each word brings, where in the picture it lies, and which words count.

Pure functions on arrays and the values that they return. No model, no torch, no pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EVIDENCE, LEAVE_ONE_OUT, GRAD_ECLIP = "evidence", "leave-one-out", "grad-eclip"
INTEGRATED_GRADIENTS = "integrated-gradients"
MEASURES = {  # of a word's importance, in order of preference, each with what to call it on show
    EVIDENCE: "the part of the score that the picture gives to the word",
    LEAVE_ONE_OUT: "what the score loses without the word",
    GRAD_ECLIP: "Grad-ECLIP share of the score",
    INTEGRATED_GRADIENTS: "integrated gradients",
}
SIGNS = ("positive", "negative", "both")  # which evidence of a map is shown
HUES = 6  # as many colors as are told apart at a glance, also by readers who are color-blind
COUNTS = 0.25  # of the largest importance: from there on a word counts
_ALIKE = 0.8  # cosine similarity of two neighbours' evidence, from which they are one highlight

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegionWord:
    """What a region of the picture gives to one word.

    Attributes:
        index: position among the caption's words.
        text: the word.
        value: sum of its evidence over the region, in units of the score: a part of its importance, to which
            the values of regions that tile the picture sum.
        share: the part of its positive evidence that lies in the region, 0 to 1.
    """

    index: int
    text: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Highlight:
    """A word that counts, or neighbours in the caption that point at the same place.

    Attributes:
        words: positions among the caption's words, ascending.
        importance: sum of theirs, in units of the score.
        hue: 0 to 5, the color that it has to itself; ``None`` for the neutral color.
        peak: (row, col) of the patch where its evidence is strongest, the first in reading order on ties.
    """

    words: tuple[int, ...]
    importance: float
    hue: int | None
    peak: tuple[int, int]


def spread(importance: NDArray[np.floating], maps: NDArray[np.floating]) -> Values:
    """Spread each word's importance over the picture, in proportion to its map.

    A word that helps the match lies where its map is positive, one that hurts it where its map is negative.

    Args:
        importance: (W,) in units of the score.
        maps: (W, rows, cols) signed.

    Returns:
        (W, rows, cols) float64. Each word's values have the sign of its importance and sum to it; zeros where
        its map has nothing of that sign.
    """
    signs = np.where(importance < 0, -1.0, 1.0)
    parts = np.maximum(maps.astype(np.float64) * signs[:, None, None], 0)
    totals = parts.sum((1, 2))
    scales = np.divide(importance, totals, out=np.zeros(len(totals)), where=totals > 0)
    spread_out: Values = parts * scales[:, None, None]
    return spread_out


def picture_shares(maps: NDArray[np.floating], score: float) -> NDArray[np.float32]:
    """Return how much of the score the picture gives to each word (W,).

    The score is divided among the words in proportion to the positive sums of their maps, so that spreading
    a word's part over its map (`spread`) scales the maps of all words by one and the same number.

    Args:
        maps: (W, rows, cols) signed.
        score: what is divided; of a negative one its size.
    """
    sums = np.maximum(maps.astype(np.float64), 0).sum((1, 2))
    total = sums.sum()
    parts = sums * (abs(score) / total) if total > 0 else np.zeros(len(sums))
    return parts.astype(np.float32)


def positive_sum(evidence: Values) -> Values:
    """Sum over words what speaks for the match: (rows, cols) from (W, rows, cols)."""
    total: Values = np.maximum(evidence, 0).sum(0)
    return total


def find_highlights(importance: NDArray[np.floating], evidence: Values) -> tuple[Highlight, ...]:
    """Return the words that count, in caption order, neighbours that point at the same place as one.

    Args:
        importance: (W,) in units of the score.
        evidence: (W, rows, cols) as `spread` returns it.
    """
    importance = importance.astype(np.float64)
    floor = COUNTS * importance.max(initial=0)
    counting = [
        w
        for w, value in enumerate(importance)
        if value > 0 and value >= floor and evidence[w].any()
    ]
    groups: list[list[int]] = []
    for w in counting:
        if groups and groups[-1][-1] == w - 1 and _cosine(evidence[w - 1], evidence[w]) >= _ALIKE:
            groups[-1].append(w)
        else:
            groups.append([w])
    sums = [float(importance[group].sum()) for group in groups]
    largest = sorted(range(len(groups)), key=lambda n: -sums[n])[:HUES]
    hues = {n: hue for hue, n in enumerate(sorted(largest))}
    return tuple(
        Highlight(tuple(group), sums[n], hues.get(n), _peak(evidence[group].sum(0)))
        for n, group in enumerate(groups)
    )


def share_in(values: NDArray[np.floating], covered: NDArray[np.floating]) -> float:
    """Return the part of a map's positive evidence that lies where a region covers it, 0 to 1.

    Args:
        values: (rows, cols) signed.
        covered: (rows, cols) the fraction of each patch that the region covers.
    """
    positive = np.maximum(values.astype(np.float64), 0)
    whole = float(positive.sum())
    return float((positive * covered).sum()) / whole if whole > 0 else 0.0


def by_word(values: NDArray[np.float32], tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Sum rows (T, ...) of tokens to rows (W, ...) of the words that they spell."""
    return np.stack([values[list(indices)].sum(0, dtype=np.float32) for indices in tokens])


def _cosine(one: Values, other: Values) -> float:
    return float((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum()))


def _peak(values: Values) -> tuple[int, int]:
    row, col = divmod(int(values.argmax()), values.shape[1])
    return row, col
