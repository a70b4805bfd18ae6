"""Tokenizers: a caption's tokens, and the characters of the caption that each came from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...core.words import Span, Word, assign_tokens
from .special_tokens import SpecialTokens

MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Tokens:
    """A tokenized caption.

    Attributes:
        caption: the text.
        words: its words and their tokens.
        pieces: the T tokens that the model reads, without special ones, as text.
        ids: their ids, T of them, followed by those that the context length cuts off.
    """

    caption: str
    words: tuple[Word, ...]
    pieces: tuple[str, ...]
    ids: tuple[int, ...]

    def without(self, word: Word) -> list[int]:
        """Return the ids without a word's and its punctuation; tokens past the context may move up."""
        dropped = self.words.index(word)
        cut = [None] * (len(self.ids) - len(self.pieces))
        owners = (*self._owners, *cut)
        return [i for i, owner in zip(self.ids, owners, strict=True) if owner != dropped]

    def only(self, words: Collection[int]) -> list[int]:
        """Return the ids that the model reads of some words, by their positions, with their punctuation."""
        read = zip(self.ids, self._owners, strict=False)
        return [i for i, owner in read if owner in words]

    @cached_property
    def _owners(self) -> tuple[int, ...]:
        """Which word each of the T tokens that are read belongs to.

        Tokens of no word, as punctuation, belong to the word before them, or else to the first one.
        """
        of_words = {token: w for w, word in enumerate(self.words) for token in word.tokens}
        owners, owner = [], min(of_words.values(), default=0)
        for token in range(len(self.pieces)):
            owner = of_words.get(token, owner)
            owners.append(owner)
        return tuple(owners)


class Tokenizer(ABC):
    """Base class of tokenizers that know which characters each token came from.

    Each kind is a subclass, listed in `registry`.

    Attributes:
        tokenizer: the model's own.
        context_length: positions of the text tower.
        known: ids that the model was trained on; ``None`` for all.
        stop: id at which the model stops reading, or ``None``.
        special_tokens: number of special tokens around a caption's own, and the padding.
    """

    tokenizer: Any
    context_length: int
    known: frozenset[int] | None
    stop: int | None
    special_tokens: SpecialTokens

    @abstractmethod
    def __init__(
        self,
        tokenizer: Any,
        context_length: int,
        known: frozenset[int] | None = None,
        ends_at_eot: bool = True,
    ) -> None:
        """Wrap a tokenizer.

        Args:
            tokenizer: the model's own.
            context_length: positions of the text tower.
            known: ids that the model was trained on; ``None`` for all.
            ends_at_eot: whether the model reads nothing after the first EOT, even one spelt in the caption.

        Raises:
            TypeError: its tokens cannot be traced to the caption.
        """

    @staticmethod
    @abstractmethod
    def wraps(tokenizer: Any) -> bool:
        """Return whether this class is for such a tokenizer."""

    def __call__(self, caption: str) -> Tokens:
        """Tokenize a caption.

        Raises:
            TypeError: it is not a string.
            ValueError: it has no words, is too long, or is not valid Unicode.
        """
        if not isinstance(caption, str):
            raise TypeError(f"a caption is a string, not {type(caption).__name__}: {caption!r:.80}")
        if len(caption) > MAX_CHARACTERS:
            raise ValueError(
                f"caption has {len(caption):,} characters; give at most {MAX_CHARACTERS:,} "
                f"(this model reads {self.room} tokens)"
            )
        if broken := re.search("[\ud800-\udfff]", caption):
            raise ValueError(
                f"caption holds half a character ({broken.group()!r}) at position {broken.start()}; "
                "write it anew, or decode its bytes as UTF-8"
            )
        return self._tokens(caption, *self._split(caption))

    @abstractmethod
    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """Decode token ids to the caption that they spell.

        Args:
            ids: with special tokens and padding, as the tokenizer makes them.

        Raises:
            ValueError: they do not start or end as this tokenizer's do.
        """

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""

    @abstractmethod
    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """Return a caption's ids, as many as the model reads, between the special ones."""

    @property
    def room(self) -> int:
        """How many of a caption's own tokens the model can read."""
        return self.context_length - self.special_tokens.leading - self.special_tokens.trailing

    @abstractmethod
    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        """Return the ids of a caption's own tokens, and the characters that each came from."""

    def _read_count(self, ids: Sequence[int]) -> int:
        """Return how many ids the model reads: those that fit, up to the first that makes it stop."""
        return min(self.room, ids.index(self.stop) if self.stop in ids else len(ids))

    def _tokens(self, caption: str, ids: list[int], spans: list[Span]) -> Tokens:
        if not caption.strip():
            raise ValueError(f"caption has no words: {caption!r}; write what to look for")
        read = self._read_count(ids)
        known = None if self.known is None else [i in self.known for i in ids]
        words = assign_tokens(caption, spans, read, known)
        if not words or not read:  # the caption may begin with a literal "<end_of_text>"
            raise ValueError(f"caption has no words: {caption!r:.200}; write what to look for")
        pieces = tuple(caption[a:b] for a, b in spans[:read])
        return Tokens(caption, words, pieces, tuple(ids))
