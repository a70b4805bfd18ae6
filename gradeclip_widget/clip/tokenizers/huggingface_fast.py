"""Tokens of Hugging Face's fast tokenizers, in the wrappers that open_clip puts around them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from open_clip.tokenizer import basic_clean, canonicalize_text

from ...core.words import Span
from .alignment import origins, span_of
from .open_clip_bpe import Tokenizer, Tokens
from .special_tokens import SpecialTokens


class HuggingFaceFastTokenizer(Tokenizer):
    """open_clip's ``HFTokenizer`` or ``SigLipTokenizer`` with positions, which fast tokenizers report."""

    def __init__(
        self,
        tokenizer: Any,
        context_length: int,
        known: frozenset[int] | None = None,
        ends_at_eot: bool = False,
    ) -> None:
        """Wrap a tokenizer.

        Args:
            tokenizer: the model's own.
            context_length: positions of the text tower.
            known: ids that it was trained on; ``None`` for all.
            ends_at_eot: whether the model reads no further than the first token of its frame's end.

        Raises:
            TypeError: it pads on the left, or arranges its tokens in a way of its own.
        """
        if getattr(tokenizer, "tokenizer_mode", ""):
            raise TypeError(
                f"tokenizer mode {tokenizer.tokenizer_mode!r} arranges tokens in a way that is not known here"
            )
        self.tokenizer, self.inner = tokenizer, tokenizer.tokenizer
        self.context_length, self.known = context_length, known
        if self.inner.padding_side != "right":
            raise TypeError("the tokenizer pads on the left; build it with padding_side='right'")
        ids, special = self._framed_sample("a")
        own = [n for n, s in enumerate(special) if not s]
        self.before, self.after = ids[: own[0]], ids[own[-1] + 1 :]
        if getattr(tokenizer, "strip_sep_token", False):
            self.after = [0 if i == self.inner.sep_token_id else i for i in self.after]
        self.stop = self.after[0] if ends_at_eot and self.after else None
        self.special_tokens = SpecialTokens(
            len(self.before), len(self.after), self.inner.pad_token_id or 0
        )

    @staticmethod
    def wraps(tokenizer: Any) -> bool:
        """Whether this is such a tokenizer."""
        return bool(getattr(getattr(tokenizer, "tokenizer", None), "is_fast", False))

    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """The caption that token ids spell.

        Args:
            ids: framed and padded, as the tokenizer makes them.

        Raises:
            ValueError: they do not start or end as this tokenizer's do.
        """
        ids, lead = list(ids), self.special_tokens.leading
        end = len(ids)
        if self.after:
            end = ids.index(self.after[0], lead) if self.after[0] in ids[lead:] else -1
        while not self.after and end > lead and ids[end - 1] == self.special_tokens.pad:
            end -= 1
        if ids[:lead] != self.before or end < lead:
            raise ValueError(
                f"token ids must start with {self.before} and hold {self.after}, as the tokenizer makes "
                f"them; got {ids[:4]}..."
            )
        ids = ids[lead:end]
        ends = [0]
        for n in range(1, len(ids) + 1):  # a token may hold part of a character only
            ends.append(max(ends[-1], len(self.inner.decode(ids[:n]))))
        caption: str = self.inner.decode(ids)
        spans = [trimmed(caption, a, b) for a, b in itertools.pairwise(ends)]
        return self._tokens(caption, ids, spans)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens."""
        ids: list[int] = self.inner(self._clean(text), add_special_tokens=False)["input_ids"]
        return ids

    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """The ids that the model reads, between the tokenizer's special ones."""
        return [*self.before, *ids[: self._read(ids)], *self.after]

    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        cleaned = self._clean(caption)
        origin = origins(caption, cleaned, self._clean)
        ids, places = self._coded(cleaned)
        spans = [span_of(origin, a, b) if b > a else (len(caption),) * 2 for a, b in places]
        return ids, spans

    def _coded(self, cleaned: str) -> tuple[list[int], list[Span]]:
        """Ids of a cleaned caption's own tokens, and the characters of it that they stand for."""
        coded = self.inner(cleaned, add_special_tokens=False, return_offsets_mapping=True)
        return coded["input_ids"], [trimmed(cleaned, a, b) for a, b in coded["offset_mapping"]]

    def _clean(self, text: str) -> str:
        if hasattr(self.tokenizer, "clean_fn"):
            return str(self.tokenizer.clean_fn(text))
        return str(canonicalize_text(basic_clean(text)))

    def _framed_sample(self, text: str) -> tuple[list[int], list[int]]:
        coded = self.inner(text, return_special_tokens_mask=True)
        return coded["input_ids"], coded["special_tokens_mask"]


def trimmed(text: str, a: int, b: int) -> Span:
    """A span without the white space at its start, which sentence pieces count in.

    A token of nothing else, as a lone "start of word", goes with the character after it.
    """
    while a < b and text[a].isspace():
        a += 1
    return a, max(b, min(a + 1, len(text)))
