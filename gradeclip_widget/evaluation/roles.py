"""Roles of the words of a true caption: nouns, other content words, and function words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.words import FUNCTION_WORDS, Word
from ..demo.world import NUMBERS
from .examples import Example


class Roles(NamedTuple):
    """Roles of the words of a true caption, as indices of words.

    Attributes:
        nouns: words that name a visible thing and occur once in the caption.
        content: words that describe the picture: things, their colors and numbers, and the background.
        function: words that do not describe it: articles, relations, "a photo of".
    """

    nouns: list[int]
    content: list[int]
    function: list[int]

    @classmethod
    def of(cls, example: Example, words: Sequence[Word]) -> Roles:
        """Return the roles of the words of an example's caption.

        Nouns are the last words of the phrases that have masks. For a drawn scene, content words are those
        that name its things, their numbers and the background. For other captions, function words are the
        English ones that are in no phrase with a mask; all other words are content words.

        Args:
            example: the example.
            words: words of its caption, as in `Explanation.words`.
        """
        texts = [word.text.casefold() for word in words]
        phrases = [phrase.words for phrase in example.phrases(words)]
        nouns = [phrase[-1] for phrase in phrases if texts.count(texts[phrase[-1]]) == 1]
        content = {n for phrase in phrases for n in phrase}
        if example.scene is None:
            function = [
                n for n, text in enumerate(texts) if text in FUNCTION_WORDS and n not in content
            ]
            return cls(nouns, [n for n in range(len(texts)) if n not in function], function)
        content |= {n for n, text in enumerate(texts) if text in NUMBERS.values()}
        if texts[-1] == "background":
            content |= {len(texts) - 2, len(texts) - 1}
        return cls(nouns, sorted(content), [n for n in range(len(texts)) if n not in content])

    def at_zero(self, importance: NDArray[np.floating]) -> list[bool]:
        """Return for each noun whether its importance is zero or less, from importances (W,) of the words."""
        return [bool(importance[noun] <= 0) for noun in self.nouns]

    def nouns_above(self, importance: NDArray[np.floating]) -> bool | None:
        """Return whether every noun has a larger importance (W,) than all function words.

        Return ``None`` if the caption has no nouns or no function words.
        """
        if not (self.nouns and self.function):
            return None
        return bool(importance[self.nouns].min() > importance[self.function].max())
