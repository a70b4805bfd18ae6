"""Deletion and insertion of words: how the score follows when a caption loses or gains its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..bootstrap import Values
from ..cases import Case, Row
from ..measure import Measure
from .scores import caption_scores

_PARTS = np.linspace(0, 0.5, 6)  # of a caption's words: where curves are read off


@dataclass(frozen=True)
class _WordPerturbation(Measure):
    """What deletion and insertion of words share; their docstrings say what the field is."""

    importance: str | None = "evidence"

    inserts: ClassVar[bool]
    unit = "mean score, the whole caption's being 1"
    requirement = "a picture and a caption of two words or more whose score is above 0"

    @property
    def axis(self) -> tuple[str, Values]:
        """The part of the words that is altered, (6,)."""
        return f"part of the words {'inserted' if self.inserts else 'deleted'}", _PARTS

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the area under the curve, as its mean height; nothing where the score is not above 0."""
        (tokens,) = case.scorer.clip.tokens([case.example.caption])
        words = [n for n, word in enumerate(tokens.words) if word.tokens]
        if len(words) < 2:
            return
        values = case.explanation.importance(self.importance)
        # Words of equal importance are taken in random order.
        shuffled = case.rng().permutation(words)
        order = shuffled[np.argsort(-values[shuffled], kind="stable")].tolist()
        counts = range(1 if self.inserts else 0, (len(order) + 1) // 2 + 1)
        kept = [order[:count] if self.inserts else order[count:] for count in counts]
        sequences = [tokens.only(some) for some in (words, *kept)]
        whole, *scores = caption_scores(case.scorer, case.image, sequences)
        if whole > 0:
            curve = np.interp(_PARTS, np.array(counts) / len(order), np.array(scores) / whole)
            yield Row(float((curve[1:] + curve[:-1]).mean() / 2), curve=curve)


@dataclass(frozen=True)
class WordDeletion(_WordPerturbation):
    """Takes words out of the caption, the most important first, and takes the score.

    Half of the words go, each with the punctuation after it, and what follows moves up. An
    importance that tells what the score depends on makes it fall early. Captions have different numbers of
    words, so curves are interpolated linearly at every tenth of them.

    Args:
        importance: which measure of a word's importance, as in `Explanation.importance`. That of the evidence
            depends on the method's maps; Shapley values and leave-one-out scores are the model's, and the
            same for all methods. ``None`` is the explanation's default one.

    Reference:
        Zhao et al., "Grad-ECLIP: Gradient-based Visual and Textual Explanations for CLIP", arXiv 2502.18816,
        where words of COCO's captions are deleted and inserted.
    """

    name = "word deletion"
    better = "lower"
    inserts = False


@dataclass(frozen=True)
class WordInsertion(_WordPerturbation):
    """Builds the caption up from its words, the most important first, and takes the score.

    The reverse of `WordDeletion`, with the same argument. The words stand in the caption's order. A caption
    of no word has no score, so curves begin at the height of the first word.
    """

    name = "word insertion"
    better = "higher"
    inserts = True
