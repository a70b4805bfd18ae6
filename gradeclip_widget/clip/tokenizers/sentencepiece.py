"""Tokens of Hugging Face's sentence-piece tokenizers written in Python, as SigLIP's is."""

from __future__ import annotations

import itertools
from typing import Any

from ...core.words import Span
from .alignment import aligned
from .huggingface_fast import HuggingFaceFastTokenizer, trimmed

_SPACE = "\u2581"


class SentencePieceTokenizer(HuggingFaceFastTokenizer):
    """A tokenizer that reports no positions, but whose pieces are the text itself, spaces marked."""

    @staticmethod
    def wraps(tokenizer: Any) -> bool:
        """Whether this is such a tokenizer."""
        return hasattr(getattr(tokenizer, "tokenizer", None), "sp_model")

    def _coded(self, cleaned: str) -> tuple[list[int], list[Span]]:
        pieces: list[str] = self.inner.tokenize(cleaned)
        shown = "".join(pieces).replace(_SPACE, " ")
        lead = int(shown.startswith(" ") and not cleaned.startswith(" "))
        origin = aligned(" " * lead + cleaned, shown, -lead)
        ends = itertools.accumulate(map(len, pieces), initial=0)
        places = (trimmed(shown, a, b) for a, b in itertools.pairwise(ends))
        ids: list[int] = self.inner.convert_tokens_to_ids(pieces)
        return ids, [(max(0, origin[a][0]), origin[b - 1][1]) for a, b in places]
