"""Evidence in units of the score: how much each word contributes, and from which part of the picture.

Pure functions on arrays, and the values that they return. No model, no torch, no pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .words import Word

SHAPLEY, LEAVE_ONE_OUT, EVIDENCE = "shapley", "leave-one-out", "evidence"
GRAD_ECLIP, INTEGRATED_GRADIENTS = "grad-eclip", "integrated-gradients"
MEASURES = {  # measures of a word's importance, in order of preference, with the names that are displayed
    SHAPLEY: "what the word adds to the score",
    EVIDENCE: "share of the evidence (never negative)",
    LEAVE_ONE_OUT: "what the score loses without the word",
    GRAD_ECLIP: "Grad-ECLIP share (never negative)",
    INTEGRATED_GRADIENTS: "integrated gradients",
}
SIGNS = ("positive", "negative", "both")  # the part of a map's evidence to show
HUES = 6  # colors that readers can tell apart at a glance, also color-blind readers
COUNTS = 0.15  # minimum importance of a word that counts, as a fraction of the largest
LOWERS = (
    0.1  # the same for a word that lowers the score, as a fraction of the largest absolute value
)
UNSEEN = 5e-4  # values of the score that are zero when rounded to three digits
_ALIKE = 0.8  # minimum cosine similarity of the evidence of words that are in the same place
_NEAR = 0.1  # standard deviation of the smoothing of places, as a fraction of the longer side
_IN_PLACE = 0.2  # minimum evidence in the place of a highlight, as a fraction of its largest

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegionWord:
    """How much of one word's importance comes from a region of the picture.

    Attributes:
        index: position in the caption's words.
        text: the word.
        value: sum of its evidence over the region, in units of the score. Over regions that tile the picture
            the values sum to its importance.
        share: fraction of its positive evidence that lies in the region, 0 to 1.

    Both are NaN if the model did not see the region, or did not read the word.
    """

    index: int
    text: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Highlight:
    """A word that counts, or neighbors in the caption whose evidence lies in the same place.

    Attributes:
        words: positions in the caption's words, ascending.
        importance: sum of the words' importance, in units of the score.
        hue: index of its color, 0 to 5; ``None`` for the neutral color. See `word_hues`.
        peak: (row, col) of the patch where its evidence is strongest, the first in reading order on ties.
    """

    words: tuple[int, ...]
    importance: float
    hue: int | None
    peak: tuple[int, int]


def scale(importance: NDArray[np.floating], maps: NDArray[np.floating]) -> Values:
    """Scale each word's map to units of the score: its values of the sign of its importance sum to it.

    Args:
        importance: (W,) in units of the score.
        maps: (W, rows, cols) signed, in any units.

    Returns:
        (W, rows, cols) float64, in units of the score, with the signs of the maps. A word whose map has no
        value of the sign of its importance has zeros.
    """
    values = maps.astype(np.float64)
    signs = np.where(importance < 0, -1.0, 1.0)[:, None, None]
    totals = np.maximum(values * signs, 0).sum((1, 2))
    factors = np.divide(np.abs(importance), totals, out=np.zeros(len(totals)), where=totals > 0)
    scaled: Values = values * factors[:, None, None]
    return scaled


def spread(importance: NDArray[np.floating], maps: NDArray[np.floating]) -> Values:
    """Spread each word's importance over the picture, in proportion to its map.

    Positive importance is spread over the positive part of the map, negative importance over the negative
    part.

    Args:
        importance: (W,) in units of the score.
        maps: (W, rows, cols) signed, in any units.

    Returns:
        (W, rows, cols) float64, in units of the score. Each word's values have the sign of its importance and
        sum to it. A word whose map has no value of that sign has zeros.
    """
    scaled = scale(importance, maps)
    against = (importance < 0)[:, None, None]
    spread_out: Values = np.where(against, np.minimum(scaled, 0), np.maximum(scaled, 0))
    return spread_out


def picture_shares(
    maps: NDArray[np.floating], score: float, known: Sequence[bool]
) -> NDArray[np.float32]:
    """Divide the score among the known words in proportion to the positive sums of their maps, (W,).

    Spreading the parts over the maps again (`spread`) therefore scales the maps of these words by the same
    number.

    Args:
        maps: (W, rows, cols) signed.
        score: the score; its absolute value is divided.
        known: for each word, whether the model was trained on it.
    """
    sums = np.maximum(maps.astype(np.float64), 0).sum((1, 2)) * np.array(known)
    total = sums.sum()
    parts = sums * (abs(score) / total) if total > 0 else np.zeros(len(sums))
    return parts.astype(np.float32)


def positive_sum(evidence: Values) -> Values:
    """Sum the positive evidence of all words: (W, rows, cols) to (rows, cols)."""
    total: Values = np.maximum(evidence, 0).sum(0)
    return total


def lowering(importance: NDArray[np.floating], words: Sequence[Word]) -> tuple[int, ...]:
    """Return the positions of the words that clearly lower the score (see `LOWERS`).

    Args:
        importance: (W,) in units of the score.
        words: the caption's words. Small words, which name nothing, and unknown words are left out.
    """
    floor = LOWERS * np.abs(importance).max(initial=0)
    low = np.flatnonzero((importance < 0) & (importance <= -floor)).tolist()
    return tuple(w for w in low if words[w].known and not words[w].small)


def word_hues(importance: NDArray[np.floating], words: Sequence[Word]) -> tuple[int | None, ...]:
    """Return the index of each word's color, 0 to 5, or ``None``.

    A noun and its attributes ("red circle") have one color. The six most important have one, first those that
    count. Unknown words, words that were not read, and small words ("a") have none. A word keeps its color
    by every measure and method, since only the caption and one importance decide.

    Args:
        importance: (W,) by the default measure, in units of the score.
        words: the caption's words.
    """
    floor = COUNTS * importance.max(initial=0)
    things: list[list[int]] = []
    for w, word in enumerate(words):
        if word.small or word.truncated or not word.known:
            continue
        follows = things and things[-1][-1] == w - 1 and _describes(words[w - 1], word)
        if follows:
            things[-1].append(w)
        else:
            things.append([w])
    sums = [float(importance[thing].sum()) for thing in things]
    small = [not (importance[thing].max() >= floor > 0) for thing in things]
    first = sorted(range(len(things)), key=lambda n: (small[n], -sums[n]))[:HUES]
    hues: list[int | None] = [None] * len(words)
    for hue, n in enumerate(sorted(first, key=lambda n: (small[n], n))):
        for w in things[n]:
            hues[w] = hue
    return tuple(hues)


def find_highlights(
    importance: NDArray[np.floating],
    evidence: Values,
    words: Sequence[Word],
    hues: Sequence[int | None],
) -> tuple[Highlight, ...]:
    """Return the words that count, in caption order; some neighbors are one highlight.

    These are an attribute and its noun ("red circle"), and words with evidence in the same place.

    Args:
        importance: (W,) in units of the score.
        evidence: (W, rows, cols) as `spread` returns it.
        words: the caption's words. Unknown words never count.
        hues: as `word_hues` returns them. A highlight has the hue of its last word that has one.
    """
    importance = importance.astype(np.float64)
    floor = COUNTS * importance.max(initial=0)
    counting = [
        w
        for w, value in enumerate(importance)
        if words[w].known and value > 0 and value >= floor and evidence[w].any()
    ]
    groups: list[list[int]] = []
    for w in counting:
        follows = groups and groups[-1][-1] == w - 1
        if follows and (_describes(words[w - 1], words[w]) or _alike(*evidence[w - 1 : w + 1])):
            groups[-1].append(w)
        else:
            groups.append([w])
    return tuple(
        Highlight(
            tuple(group),
            float(importance[group].sum()),
            hue_of(group, hues),
            _peak(evidence[group].sum(0)),
        )
        for group in groups
    )


def find_places(evidence: Values, highlights: Sequence[Highlight]) -> NDArray[np.intp]:
    """Return the highlight in whose place each patch clearly lies, (rows, cols); -1 for none.

    It is the one with the most evidence at the patch and near it, of those with at least a fifth of their
    largest there. Highlights with evidence in the same place count as the first of them.

    Args:
        evidence: (W, rows, cols) as `spread` returns it.
        highlights: as `find_highlights` returns them.
    """
    rows, cols = evidence.shape[1:]
    if not highlights:
        return np.full((rows, cols), -1)
    down, across = (_near(side, _NEAR * max(rows, cols)) for side in (rows, cols))
    smooth = np.stack([down @ evidence[list(h.words)].sum(0) @ across for h in highlights])
    same = [
        next(k for k in range(n + 1) if k == n or _alike(smooth[k], smooth[n]))
        for n in range(len(smooth))
    ]
    clear = smooth >= _IN_PLACE * smooth.max((1, 2), keepdims=True)
    strongest = np.where(clear, smooth, 0).argmax(0)
    return np.where(clear.any(0), np.array(same)[strongest], -1)


def hue_of(group: Sequence[int], hues: Sequence[int | None]) -> int | None:
    """Return the hue of the last word of a group that has one, or ``None``."""
    return next((hues[w] for w in reversed(group) if hues[w] is not None), None)


def share_in(values: NDArray[np.floating], covered: NDArray[np.floating]) -> float:
    """Return the fraction of a map's positive evidence that lies in a region, 0 to 1.

    Args:
        values: (rows, cols) signed.
        covered: (rows, cols) fraction of each patch that the region covers; NaN if the model did not see the
            region, and then the fraction is NaN.
    """
    if np.isnan(covered).any():
        return float("nan")
    positive = np.maximum(values.astype(np.float64), 0)
    whole = float(positive.sum())
    return float((positive * covered).sum()) / whole if whole > 0 else 0.0


def sum_tokens(values: NDArray[np.float32], tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Sum rows (T, ...) of tokens to rows (W, ...) of words.

    Args:
        values: (T, ...).
        tokens: for each word, the indices of its tokens.
    """
    return np.stack([values[list(indices)].sum(0, dtype=np.float32) for indices in tokens])


def _describes(attribute: Word, noun: Word) -> bool:
    """Return whether a word is an attribute of the next word: only a space separates them."""
    return attribute.attribute and noun.start == attribute.end + 1


def _alike(one: Values, other: Values) -> bool:
    """Return whether two maps of evidence are in the same place."""
    cosine = (one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum())
    return bool(cosine >= _ALIKE)


def _near(side: int, deviation: float) -> Values:
    """Return the Gaussian weights (side, side) with which patches of a row count at each other."""
    places = np.arange(side)
    weights: Values = np.exp(-np.square((places[:, None] - places) / deviation) / 2)
    return weights


def _peak(values: Values) -> tuple[int, int]:
    row, col = divmod(int(values.argmax()), values.shape[1])
    return row, col
