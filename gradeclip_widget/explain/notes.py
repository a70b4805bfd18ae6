"""Notes: sentences that a reader of an explanation should know. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.evidence import MEASURES
from ..core.ranks import rank_correlations
from ..core.words import FUNCTION_WORDS, Word

if TYPE_CHECKING:
    from ..core.explanation_data import ExplanationData

_MUCH, _NOTHING = 0.5, 0.02  # of a measure's largest importance
_NAMED = 2  # maximum number of words that a note names
# Thresholds of the note that maps look alike: a mean rank correlation above 0.8 in the caption, and at least
# 0.1 lower alone. (It is at most 0.2 in 200 drawn scenes with the embedded model and Grad-ECLIP.)
_ALIKE, _LESS_ALIKE = 0.8, 0.1
_FAINT = 0.1  # a note names explained blocks with less than this fraction of all contributions


def notes_on(
    words: Sequence[Word],
    context_length: int,
    block_shares: Sequence[NDArray[np.float32]],
    layers: Sequence[int],
) -> tuple[str, ...]:
    """Return notes on words beyond the context length, unknown words, and evidence in unexplained blocks.

    Args:
        words: the caption's words.
        context_length: number of tokens that the model reads.
        block_shares: contributions (L,) of all image blocks and of all text blocks, shallowest first.
        layers: number of the last image and text blocks that are explained.
    """
    notes = []
    if cut := [w for w in words if w.truncated]:
        notes.append(
            f"This model reads {context_length} tokens: {_count(cut)} from {cut[0].text!r} on "
            f"{'was' if len(cut) == 1 else 'were'} not read."
        )
    if unknown := [w for w in words if not w.known]:
        texts = ", ".join(dict.fromkeys(repr(w.text) for w in unknown))
        notes.append(f"Not in this model's vocabulary, so its map means nothing: {texts}.")
    for side, shares, count in zip(("image", "text"), block_shares, layers, strict=True):
        magnitudes = np.abs(shares)
        explained = magnitudes[-count:].sum() / max(magnitudes.sum(), 1e-12)
        if explained < _FAINT and count < len(magnitudes):
            more = _layers_for(magnitudes, _FAINT)
            notes.append(
                f"The explained layers of the {side} tower carry {explained:.0%} of what attention adds to "
                f"the score; {side}_layers={more} would explain more."
            )
    return tuple(notes)


def note_on_readings(label: str) -> str:
    """Return a note that maps of single words were not computed, since the method needs long for each."""
    return (
        f"{label} takes an optimization for every map, so the words were not read alone or by leaving them "
        "out; readings=True computes these maps."
    )


def disagreement(
    words: Sequence[Word], importances: Mapping[str, NDArray[np.floating]], default: str
) -> str | None:
    """Return a sentence that names the words on which another measure contradicts the default one.

    Two measures contradict each other on a word if its importance is at least half of the largest by one
    measure, and at most a fiftieth by the other. A measure that is zero for all words contradicts none.

    Args:
        words: the caption's words.
        importances: (W,) of the words in units of the score, by the name of each measure that was computed.
        default: name of the default measure.

    Returns:
        One sentence, or ``None`` if no measure contradicts the default one.
    """
    values = {name: v.astype(np.float64) for name, v in importances.items() if v.max(initial=0) > 0}
    if default not in values:
        return None
    shares = {name: v / v.max() for name, v in values.items()}
    contradictions: dict[
        int, tuple[float, str]
    ] = {}  # by word: the difference, and the other measure
    for name in values.keys() - {default}:
        low, high = (
            np.minimum(shares[name], shares[default]),
            np.maximum(shares[name], shares[default]),
        )
        for w in np.flatnonzero((high >= _MUCH) & (low <= _NOTHING)).tolist():
            contradictions[w] = max(
                contradictions.get(w, (0.0, "")), (float(high[w] - low[w]), name)
            )
    if not contradictions:
        return None
    worst = sorted(sorted(contradictions, key=lambda w: -contradictions[w][0])[:_NAMED])
    cases = [
        f"{words[w].text!r} ({MEASURES[default]}: {values[default][w]:.3f}; "
        f"{MEASURES[contradictions[w][1]]}: {values[contradictions[w][1]][w]:.3f})"
        for w in worst
    ]
    return f"Two measures disagree on {' and on '.join(cases)}."


def lowers(explanation: ExplanationData) -> str | None:
    """Return a sentence that names the words that lower the score most, or ``None`` if there are none."""
    e = explanation
    importance, words = e.importance(), e.lowering_words()
    named = sorted(sorted(words, key=lambda w: importance[w])[:_NAMED])
    if not named:
        return None
    texts = [
        f"{e.words[w].text!r} lowers the score by {-importance[w]:.3f}{_without(e, w)}"
        for w in named
    ]
    texts += [f"{len(words) - _NAMED} more words lower it"] if len(words) > _NAMED else []
    return "; ".join(texts) + "."


def alike(
    words: Sequence[Word],
    in_caption: NDArray[np.floating],
    alone: NDArray[np.floating] | None,
) -> str | None:
    """Return a sentence if the maps of different words look alike in the caption, but less so alone.

    They look alike if the mean rank correlation of the maps of all pairs of content words is above 0.8.
    Neighbors are not a pair, since two words often name one thing, as in "red circle". If words look equally
    alike when read alone, as with methods that have one map for all words, there is nothing to advise.

    Args:
        words: the caption's words.
        in_caption: (W, rows, cols) their maps in the caption.
        alone: (W, rows, cols) their maps alone, or ``None``.

    Returns:
        One sentence, or ``None``.
    """
    content = [n for n, w in enumerate(words) if w.tokens and w.text.lower() not in FUNCTION_WORDS]
    pairs = [(a, b) for a, b in combinations(content, 2) if b > a + 1]
    if alone is None or not pairs:
        return None
    within, by_itself = (_mean_rank_correlation(maps, pairs) for maps in (in_caption, alone))
    if within <= _ALIKE or by_itself > within - _LESS_ALIKE:
        return None
    return (
        "Within this caption the maps of different words look alike (mean rank correlation "
        f"{within:.2f}): read each word 'alone', where they differ more ({by_itself:.2f})."
    )


def _mean_rank_correlation(maps: NDArray[np.floating], pairs: Sequence[tuple[int, int]]) -> float:
    """Return the mean of Spearman's correlation over pairs of maps (W, rows, cols); 0 for a constant map."""
    correlations = np.nan_to_num(rank_correlations(maps.reshape(len(maps), -1)))
    return float(np.mean([correlations[pair] for pair in pairs]))


def _without(e: ExplanationData, word: int) -> str:
    """Return the score without a word in brackets, if it is higher; else ""."""
    loss = 0.0 if e.word_effects is None else float(e.word_effects[word])
    return f" (without it: {e.score - loss:.3f})" if loss < 0 else ""


def _layers_for(magnitudes: NDArray[np.float32], part: float) -> int:
    """Return the number of last blocks that have that fraction of the sum."""
    from_last = magnitudes[::-1].cumsum() / magnitudes.sum()
    return int(np.searchsorted(from_last, part)) + 1


def _count(words: Sequence[Word]) -> str:
    return "1 word" if len(words) == 1 else f"{len(words)} words"
