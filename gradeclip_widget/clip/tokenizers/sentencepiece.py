"""Tokens of Hugging Face's sentence-piece tokenizers written in Python, as SigLIP's is."""

from __future__ import annotations

import itertools
from typing import Any

from ...core.words import Span
from .alignment import aligned
from .huggingface_fast import HuggingFaceFastTokenizer, trimmed

_SPACE = "\u2581"


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
        places = (trimmed(text, a, b) for a, b in itertools.pairwise(ends))
        ids: list[int] = self.inner.convert_tokens_to_ids(pieces)
        return ids, [(max(0, origin[a][0]), origin[b - 1][1]) for a, b in places]
