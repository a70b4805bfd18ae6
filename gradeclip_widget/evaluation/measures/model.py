"""Measures of a model that need no masks: how different the maps of its words are, and more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ...core.ranks import rank_correlations
from ...core.words import FUNCTION_WORDS
from ..cases import Case, Row
from ..measure import Measure

CONTENT, CONTENT_FUNCTION = "content words", "content and function words"


@dataclass(frozen=True)
class WordSeparation(Measure):
    """Mean rank correlation over patches of the maps of two words of a caption.

    There are two groups: pairs of content words, and pairs of a content and a function word. The correlation
    of content words is low if the model separates words. Two words of one phrase that has a mask, as in "red
    circle", are not a pair.

    Args:
        function_words: words that name no thing, in lower case; English ones by default.
    """

    function_words: frozenset[str] = field(default=FUNCTION_WORDS, repr=False)

    name = "word separation"
    unit = "mean rank correlation of two words' maps in a caption"
    better = "lower"
    grouped_by = "pairs"
    requirement = "captions of two content words or more, with maps that are not constant"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the mean over the caption's pairs of words, for both groups."""
        e = case.explanation
        read = [n for n, word in enumerate(e.words) if word.tokens]
        function = [n for n in read if e.words[n].text.lower() in self.function_words]
        content = [n for n in read if n not in function]
        correlations = rank_correlations(e.raw_maps().reshape(len(e.words), -1))
        for phrase in case.phrases():  # words of one thing have similar maps
            correlations[np.ix_(phrase.words, phrase.words)] = np.nan
        among = correlations[np.ix_(content, content)]
        pairs = {
            CONTENT: among[np.triu_indices(len(content), 1)],
            CONTENT_FUNCTION: correlations[np.ix_(content, function)].ravel(),
        }
        for group, values in pairs.items():
            defined = values[~np.isnan(values)]
            if defined.size:
                yield Row(float(defined.mean()), group=group)


@dataclass(frozen=True)
class SilentWords(Measure):
    """How often a word has no importance although the score is lower without it.

    Args:
        costs: smallest loss of score without a word for it to be measured, as a part of the score.
        nothing: largest importance that counts as none, as a part of the caption's largest importance.
        importance: measure of a word's importance, as in `Explanation.importance`; the explanation's default
            one when ``None``.
    """

    costs: float = 0.1
    nothing: float = 0.02
    importance: str | None = None

    name = "silent words"
    unit = "part of the words that lower the score when left out but have no importance"
    better = "lower"
    requirement = "a word without which the score is lower, and readings=True of its explainer"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield 1 or 0 for every word without which the score is lower."""
        e = case.explanation
        if e.word_effects is None or e.score <= 0:
            return
        values = e.importance(self.importance)
        for n in np.flatnonzero(e.word_effects >= self.costs * e.score).tolist():
            silent = values[n] <= self.nothing * max(values.max(), 0)
            yield Row(float(silent), e.words[n].text)


@dataclass(frozen=True)
class ExplainedShare(Measure):
    """Share of the evidence that the explained blocks of each tower contain.

    It is their part of the summed absolute values of all blocks' contributions to the score, to first order.
    If it is low, maps show a small part of the evidence, and explaining more blocks shows more.
    """

    name = "explained share"
    unit = "part of all blocks' contributions that the explained blocks have"
    better = "higher"
    grouped_by = "tower"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the share of each tower."""
        e = case.explanation
        for tower, blocks, count in (
            ("image", e.image_block_shares, e.image_layers),
            ("text", e.text_block_shares, e.text_layers),
        ):
            sizes = np.abs(blocks.astype(np.float64))
            if sizes.sum() > 0:
                yield Row(float(sizes[-count:].sum() / sizes.sum()), group=tower)
