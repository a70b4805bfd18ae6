"""The kinds of tokenizers, and which of them wraps a model's tokenizer."""

from __future__ import annotations

from typing import Any

from .base import Tokenizer
from .huggingface import HuggingFaceFastTokenizer, SentencePieceTokenizer
from .open_clip_bpe import OpenClipTokenizer

# In the order in which they are tried.
KINDS: list[type[Tokenizer]] = [
    HuggingFaceFastTokenizer,
    SentencePieceTokenizer,
    OpenClipTokenizer,
]


def tokenizer_kind(tokenizer: Any) -> type[Tokenizer]:
    """Return the class that wraps a model's tokenizer.

    Raises:
        TypeError: its kind is unknown.
    """
    for kind in KINDS:
        if kind.wraps(tokenizer):
            return kind
    hint = ""
    if tokenizer is None or isinstance(tokenizer, str):
        hint = f"; open_clip.get_tokenizer({tokenizer or 'ViT-B-32'!r}) returns a model's tokenizer"
    raise TypeError(
        f"tokenizer {type(tokenizer).__name__} is not open_clip's SimpleTokenizer, nor a fast tokenizer of "
        "Hugging Face in open_clip's wrapper: its tokens cannot be traced to the caption's words"
        + hint
    )
