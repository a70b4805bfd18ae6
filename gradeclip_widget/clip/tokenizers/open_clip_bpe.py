"""A caption's tokens under the model's own tokenizer, and the characters each came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...core.words import Span, Word, assign_tokens
from .alignment import origins, span_of
from .special_tokens import SOT_EOT

MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Tokens:
    """A tokenized caption.

    Attributes:
        caption: the text.
        words: its words and their tokens.
        pieces: the T tokens read by the model, strictly between SOT and EOT, as text.
        ids: their ids, T of them, followed by those that the context length cuts off.
    """

    caption: str
    words: tuple[Word, ...]
    pieces: tuple[str, ...]
    ids: tuple[int, ...]


class Tokenizer:
    """open_clip's ``SimpleTokenizer`` with positions."""

    special_tokens = SOT_EOT

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
            ends_at_eot: whether the model reads no further than the first EOT, though a caption spell it.

        Raises:
            TypeError: the tokenizer is not open_clip's own byte-pair tokenizer.
        """
        if not hasattr(tokenizer, "byte_encoder") or not hasattr(tokenizer, "clean_fn"):
            raise TypeError(
                f"tokenizer {type(tokenizer).__name__} is not open_clip's SimpleTokenizer, "
                "nor a fast tokenizer of Hugging Face in open_clip's wrapper: its tokens cannot be traced to "
                "the caption's words"
            )
        self.tokenizer = tokenizer
        self.context_length, self.known = context_length, known
        self.stop: int | None = tokenizer.eot_token_id if ends_at_eot else None

    def __call__(self, caption: str) -> Tokens:
        """Tokenize a caption.

        Raises:
            TypeError: it is not a string.
            ValueError: it has no words.
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

    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        """Ids of a caption's own tokens, and the characters that each came from."""
        cleaned = self.tokenizer.clean_fn(caption)
        origin = origins(caption, cleaned, self.tokenizer.clean_fn)
        ids, spans = [], []
        for match in self.tokenizer.pat.finditer(cleaned):
            for token, a, b in self._encode(match.group()):
                ids.append(token)
                spans.append(span_of(origin, match.start() + a, match.start() + b))
        return ids, spans

    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """The caption that token ids spell.

        Args:
            ids: SOT, tokens, EOT and any padding, as the tokenizer makes them.

        Raises:
            ValueError: there is no SOT at the start or no EOT.
        """
        sot, eot = self.tokenizer.sot_token_id, self.tokenizer.eot_token_id
        ids = list(ids)
        if not ids or ids[0] != sot or eot not in ids:
            raise ValueError(
                f"token ids must start with SOT ({sot}) and hold EOT ({eot}), "
                f"as the tokenizer makes them; got {ids[:4]}..."
            )
        ids = ids[1 : ids.index(eot)]
        if strange := [i for i in ids if i not in self.tokenizer.decoder]:
            raise ValueError(f"token ids {strange[:4]} are not in this tokenizer's vocabulary")
        # A token may hold part of a character only, so the bytes of all are decoded together.
        pieces = [self._bytes(i) for i in ids]
        data = b"".join(body + space for body, space in pieces)
        text = data.decode("utf-8", errors="surrogateescape")
        owner = [n for n, c in enumerate(text) for _ in c.encode("utf-8", "surrogateescape")]
        spans, at = [], 0
        for body, space in pieces:
            spans.append((owner[at], owner[at + len(body) - 1] + 1))
            at += len(body + space)
        caption = re.sub("[\udc80-\udcff]", "�", text)
        return self._tokens(caption.removesuffix(" "), ids, spans)

    @property
    def room(self) -> int:
        """How many of a caption's own tokens the model can read."""
        return self.context_length - self.special_tokens.leading - self.special_tokens.trailing

    def _bytes(self, token: int) -> tuple[bytes, bytes]:
        """A token's bytes, and the space after it where it ends a word."""
        text = self.tokenizer.decoder[token]
        body = text.removesuffix("</w>")
        return bytes(self.tokenizer.byte_decoder[c] for c in body), b" " * (body != text)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without SOT and EOT."""
        ids: list[int] = self.tokenizer.encode(text)
        return ids

    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """SOT, the ids that the model reads, EOT."""
        return [self.tokenizer.sot_token_id, *ids[: self._read(ids)], self.tokenizer.eot_token_id]

    def _read(self, ids: Sequence[int]) -> int:
        """How many ids the model reads: those that fit, up to a literal "<end_of_text>" that ends it."""
        return min(self.room, ids.index(self.stop) if self.stop in ids else len(ids))

    def _tokens(self, caption: str, ids: list[int], spans: list[Span]) -> Tokens:
        if not caption.strip():
            raise ValueError(f"caption has no words: {caption!r}; write what to look for")
        read = self._read(ids)
        known = None if self.known is None else [i in self.known for i in ids]
        words = assign_tokens(caption, spans, read, known)
        if not words or not read:  # a literal "<end_of_text>" may stand before them
            raise ValueError(f"caption has no words: {caption!r:.200}; write what to look for")
        pieces = tuple(caption[a:b] for a, b in spans[:read])
        return Tokens(caption, words, pieces, tuple(ids))

    def _encode(self, text: str) -> list[tuple[int, int, int]]:
        """(id, start, end) of the byte pairs of one regular-expression match, in its characters."""
        data = text.encode("utf-8")
        # Character that each byte belongs to, and one past the end.
        owner = [n for n, c in enumerate(text) for _ in c.encode("utf-8")]
        out, at = [], 0
        for piece in self.tokenizer.bpe(
            "".join(self.tokenizer.byte_encoder[b] for b in data)
        ).split(" "):
            size = len(piece.removesuffix("</w>"))
            out.append((self.tokenizer.encoder[piece], owner[at], owner[at + size - 1] + 1))
            at += size
        return out
