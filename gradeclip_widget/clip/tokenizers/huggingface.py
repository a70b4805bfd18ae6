"""Hugging Face's fast and sentence-piece tokenizers, in open_clip's wrappers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from open_clip.tokenizer import basic_clean, canonicalize_text

from ...core.words import Span
from .alignment import aligned, origins, span_of
from .base import SpecialTokens, Tokenizer, Tokens

_SPACE = "\u2581"  # marks spaces in sentence pieces


class HuggingFaceFastTokenizer(Tokenizer):
    """open_clip's ``HFTokenizer`` or ``SigLipTokenizer`` around a fast tokenizer, which reports positions."""

    def __init__(
        self,
        tokenizer: Any,
        context_length: int,
        known: frozenset[int] | None = None,
        ends_at_eot: bool = False,
    ) -> None:
        if getattr(tokenizer, "tokenizer_mode", ""):
            raise TypeError(
                f"tokenizer mode {tokenizer.tokenizer_mode!r} arranges tokens in a way that is not known here"
            )
        self.tokenizer, self.inner = tokenizer, tokenizer.tokenizer
        self.context_length, self.known = context_length, known
        if self.inner.padding_side != "right":
            raise TypeError("the tokenizer pads on the left; build it with padding_side='right'")
        ids, special = self._sample("a")
        inside = [n for n, s in enumerate(special) if not s]
        self.before, self.after = ids[: inside[0]], ids[inside[-1] + 1 :]
        if getattr(tokenizer, "strip_sep_token", False):
            self.after = [0 if i == self.inner.sep_token_id else i for i in self.after]
        self.stop = self.after[0] if ends_at_eot and self.after else None
        self.special_tokens = SpecialTokens(
            len(self.before), len(self.after), self.inner.pad_token_id or 0
        )

    @staticmethod
    def wraps(tokenizer: Any) -> bool:
        """Return whether this is such a tokenizer."""
        return bool(getattr(getattr(tokenizer, "tokenizer", None), "is_fast", False))

    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """Decode token ids to the caption that they spell.

        Args:
            ids: with special tokens and padding, as the tokenizer makes them.

        Raises:
            ValueError: they do not start or end with this tokenizer's special tokens.
        """
        ids, lead = list(ids), self.special_tokens.leading
        end = len(ids)
        if self.after:
            end = ids.index(self.after[0], lead) if self.after[0] in ids[lead:] else -1
        while not self.after and end > lead and ids[end - 1] == self.special_tokens.pad:
            end -= 1
        if ids[:lead] != self.before or end < lead:
            raise ValueError(
                f"token ids must start with {self.before} and contain {self.after}, as the tokenizer makes "
                f"them; got {ids[:4]}..."
            )
        ids = ids[lead:end]
        ends = [0]
        for n in range(1, len(ids) + 1):  # a token may hold part of a character only
            ends.append(max(ends[-1], len(self.inner.decode(ids[:n]))))
        caption: str = self.inner.decode(ids)
        spans = [_trimmed(caption, a, b) for a, b in itertools.pairwise(ends)]
        return self._tokens(caption, ids, spans)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""
        ids: list[int] = self.inner(self._clean(text), add_special_tokens=False)["input_ids"]
        return ids

    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """Return the ids that the model reads, with the special tokens before and after them."""
        return [*self.before, *ids[: self._read_count(ids)], *self.after]

    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        cleaned = self._clean(caption)
        origin = origins(caption, cleaned, self._clean)
        ids, places = self._tokenize(cleaned)
        spans = [span_of(origin, a, b) if b > a else (len(caption),) * 2 for a, b in places]
        return ids, spans

    def _tokenize(self, cleaned: str) -> tuple[list[int], list[Span]]:
        """Return the ids of a cleaned caption's tokens, and the characters of it that each came from."""
        coded = self.inner(cleaned, add_special_tokens=False, return_offsets_mapping=True)
        return coded["input_ids"], [_trimmed(cleaned, a, b) for a, b in coded["offset_mapping"]]

    def _clean(self, text: str) -> str:
        if hasattr(self.tokenizer, "clean_fn"):
            return str(self.tokenizer.clean_fn(text))
        return str(canonicalize_text(basic_clean(text)))

    def _sample(self, text: str) -> tuple[list[int], list[int]]:
        """Return a text's ids with special tokens, and a 1 for each of these."""
        coded = self.inner(text, return_special_tokens_mask=True)
        return coded["input_ids"], coded["special_tokens_mask"]


class SentencePieceTokenizer(HuggingFaceFastTokenizer):
    """A tokenizer that reports no positions, but whose pieces are the text itself, with marked spaces."""

    @staticmethod
    def wraps(tokenizer: Any) -> bool:
        """Return whether this is such a tokenizer, in open_clip's wrapper."""
        return hasattr(getattr(tokenizer, "tokenizer", None), "sp_model")

    def _tokenize(self, cleaned: str) -> tuple[list[int], list[Span]]:
        pieces: list[str] = self.inner.tokenize(cleaned)
        text = "".join(pieces).replace(_SPACE, " ")
        lead = int(text.startswith(" ") and not cleaned.startswith(" "))
        origin = aligned(" " * lead + cleaned, text, -lead)
        ends = itertools.accumulate(map(len, pieces), initial=0)
        places = (_trimmed(text, a, b) for a, b in itertools.pairwise(ends))
        ids: list[int] = self.inner.convert_tokens_to_ids(pieces)
        return ids, [(max(0, origin[a][0]), origin[b - 1][1]) for a, b in places]


def _trimmed(text: str, a: int, b: int) -> Span:
    """Return a span without the white space at its start, which sentence pieces include.

    A token of white space alone, such as a single "start of word", gets the character after it.
    """
    while a < b and text[a].isspace():
        a += 1
    return a, max(b, min(a + 1, len(text)))
