"""Captions, their tokens, and the base class of tokenizers, which know where in the caption each token is.

Importing this does not import torch.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...core.tensors import is_tensor
from ...core.words import Span, Word, assign_tokens

if TYPE_CHECKING:
    from torch import Tensor

MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """How many special tokens a tokenizer puts before and after a caption's tokens, and the padding.

    Attributes:
        leading: number of special tokens before the caption's, such as SOT.
        trailing: number after them, such as EOT.
        pad: id that fills up the context length, for towers that read padding.
    """

    leading: int = 1
    trailing: int = 1
    pad: int = 0

    def caption_slice(self, length: int) -> slice:
        """Return which of ``length`` tokens, without padding, are the caption's and not special."""
        return slice(self.leading, length - self.trailing)


SOT_EOT = SpecialTokens()


def caption_list(captions: Any) -> tuple[list[str | Tensor], bool]:
    """Return captions as a list, and whether the argument was a single caption.

    Args:
        captions: a text, a list (or other iterable with an order) of texts, or token ids (1, context length).

    Raises:
        TypeError: they are of another kind, such as the output of a processor.
        ValueError: the list is empty.
    """
    if isinstance(captions, str) or is_tensor(captions):
        return [captions], True
    if isinstance(captions, Mapping):
        if "input_ids" in captions:
            raise TypeError(
                f"captions are texts, not the {type(captions).__name__} that a processor returns: give "
                "the texts themselves, or a caption's token ids, ['input_ids'], as a tensor"
            )
        raise TypeError(
            f"captions are a text or a list of texts, not a {type(captions).__name__}: give its keys or "
            "values as a list"
        )
    if isinstance(captions, bytes | bytearray):
        raise TypeError("captions are texts, not bytes: give captions.decode('utf-8')")
    if isinstance(captions, set | frozenset):
        raise TypeError("captions in a set have no order; give a list")
    if not isinstance(captions, Iterable):
        raise TypeError(
            f"captions are a text or a list of texts, not {type(captions).__name__}: {captions!r:.80}"
        )
    items = [str(c) if isinstance(c, str) else c for c in captions]  # also of NumPy's strings
    if not items:
        raise ValueError("the list of captions is empty; give at least one")
    is_caption = isinstance(items[0], str) or is_tensor(items[0])
    if not is_caption and all(hasattr(c, "__index__") for c in items):
        raise TypeError(
            f"a caption is a string, not {type(items[0]).__name__}: {items[0]!r:.80}. Give token ids as a "
            "tensor (1, context length), as the model's tokenizer returns them"
        )
    return items, False


def caption_texts(captions: Any) -> tuple[str, ...]:
    """Return captions as texts that can be edited and displayed; token ids are not accepted.

    Raises:
        TypeError: a caption is not a text.
        ValueError: there are no captions.
    """
    items, _ = caption_list(captions)
    texts = tuple(c for c in items if isinstance(c, str))
    if len(texts) < len(items):
        wrong = next(c for c in items if not isinstance(c, str))
        raise TypeError(f"a prompt is a string, not {type(wrong).__name__}: {wrong!r:.80}")
    return texts


_NO_WORDS = "the caption {!r:.200} has no words: write what to look for, as in 'a red car'"


def check_caption(caption: Any) -> None:
    """Check what every tokenizer requires of a caption.

    Raises:
        TypeError: it is not a string.
        ValueError: it has no words, is too long, or is not valid Unicode.
    """
    if not isinstance(caption, str):
        raise TypeError(f"a caption is a string, not {type(caption).__name__}: {caption!r:.80}")
    if len(caption) > MAX_CHARACTERS:
        raise ValueError(
            f"caption has {len(caption):,} characters; give at most {MAX_CHARACTERS:,}"
        )
    if broken := re.search("[\ud800-\udfff]", caption):
        raise ValueError(
            f"caption has half a character ({broken.group()!r}) at position {broken.start()}; "
            "write it again, or decode its bytes as UTF-8"
        )
    if not caption.strip():
        raise ValueError(_NO_WORDS.format(caption))


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
        """Return the ids without a word and its punctuation; tokens past the context length may move up."""
        dropped = self.words.index(word)
        cut = [None] * (len(self.ids) - len(self.pieces))
        owners = (*self._owners, *cut)
        return [i for i, owner in zip(self.ids, owners, strict=True) if owner != dropped]

    def only(self, words: Collection[int]) -> list[int]:
        """Return the ids of some words with their punctuation, as many as the model reads.

        Args:
            words: positions in `words`.
        """
        read = zip(self.ids, self._owners, strict=False)
        return [i for i, owner in read if owner in words]

    @cached_property
    def _owners(self) -> tuple[int, ...]:
        """The position of the word that each of the T tokens belongs to.

        Tokens of no word, such as punctuation, belong to the word before them, or else to the first one.
        """
        of_words = {token: w for w, word in enumerate(self.words) for token in word.tokens}
        owners, owner = [], min(of_words.values(), default=0)
        for token in range(len(self.pieces)):
            owner = of_words.get(token, owner)
            owners.append(owner)
        return tuple(owners)


class Tokenizer(ABC):
    """Base class of tokenizers that know which characters of the caption each token came from.

    Each kind is a subclass, listed in `registry`.

    Attributes:
        tokenizer: the model's own.
        context_length: positions of the text tower.
        known: ids that the model was trained on; ``None`` for all.
        stop: id at which the model stops reading, or ``None``.
        special_tokens: number of special tokens around a caption's tokens, and the padding.
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
            ends_at_eot: whether the model reads nothing after the first EOT, even one written in the caption.

        Raises:
            TypeError: its tokens cannot be mapped to characters of the caption.
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
        check_caption(caption)
        return self._tokens(caption, *self._split(caption))

    @abstractmethod
    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """Decode token ids to the caption that they spell.

        Args:
            ids: with special tokens and padding, as the tokenizer makes them.

        Raises:
            ValueError: they do not start or end with this tokenizer's special tokens.
        """

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""

    @abstractmethod
    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """Return the ids that the model reads, with the special tokens before and after them."""

    @property
    def room(self) -> int:
        """How many tokens of a caption the model can read, special ones not counted."""
        return self.context_length - self.special_tokens.leading - self.special_tokens.trailing

    @abstractmethod
    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        """Return the ids of a caption's tokens, and the characters that each came from."""

    def _read_count(self, ids: Sequence[int]) -> int:
        """Return how many ids the model reads: those that fit, up to the first that makes it stop."""
        return min(self.room, ids.index(self.stop) if self.stop in ids else len(ids))

    def _tokens(self, caption: str, ids: list[int], spans: list[Span]) -> Tokens:
        read = self._read_count(ids)
        known = None if self.known is None else [i in self.known for i in ids]
        words = assign_tokens(caption, spans, read, known)
        if not words or not read:  # the caption may begin with a literal "<end_of_text>"
            raise ValueError(_NO_WORDS.format(caption))
        pieces = tuple(caption[a:b] for a, b in spans[:read])
        return Tokens(caption, words, pieces, tuple(ids))
