"""What the words of a true caption do: name what is in view, say something of it, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.words import FUNCTION_WORDS, Word
from ..demo.world import NUMBERS
from .examples import Example


class Roles(NamedTuple):
    """What the words of a true caption do, as indices.

    Attributes:
        nouns: name a thing in view, and no other word of the caption is the same.
        content: say what is in view: things, their colors and numbers, and the background.
        function: say nothing of it: articles, relations, "a photo of".
    """

    nouns: list[int]
    content: list[int]
    function: list[int]

    @classmethod
    def of(cls, example: Example, words: Sequence[Word]) -> Roles:
        """Return the roles of the words of an example's own caption.

        Nouns are the last words of the phrases that have masks. The caption of a drawn scene has no content
        but what is known of the scene. Of other captions, only English function words are known to say
        nothing.

        Args:
            example: the example.
            words: its caption's, as `Explanation.words` has them.
        """
        texts = [word.text.casefold() for word in words]
        naming = [phrase.words for phrase in example.phrases(words)]
        nouns = [named[-1] for named in naming if texts.count(texts[named[-1]]) == 1]
        said = {n for named in naming for n in named}
        if example.scene is None:
            function = [
                n for n, text in enumerate(texts) if text in FUNCTION_WORDS and n not in said
            ]
            return cls(nouns, [n for n in range(len(texts)) if n not in function], function)
        said |= {n for n, text in enumerate(texts) if text in NUMBERS.values()}
        if texts[-1] == "background":
            said |= {len(texts) - 2, len(texts) - 1}
        return cls(nouns, sorted(said), [n for n in range(len(texts)) if n not in said])

    def at_zero(self, importance: NDArray[np.floating]) -> list[bool]:
        """Return of each noun whether its importance (W,) is zero or less."""
        return [bool(importance[noun] <= 0) for noun in self.nouns]

    def nouns_above(self, importance: NDArray[np.floating]) -> bool | None:
        """Return whether the importance (W,) of every noun is above that of all function words.

        It is ``None`` where the caption has no nouns or no function words.
        """
        if not (self.nouns and self.function):
            return None
        return bool(importance[self.nouns].min() > importance[self.function].max())
