"""Tokens of open_clip's own byte-pair tokenizer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...core.words import Span
from .alignment import origins, span_of
from .base import SOT_EOT, Tokenizer, Tokens


class OpenClipTokenizer(Tokenizer):
    """open_clip's ``SimpleTokenizer``, with the characters that each token came from."""

    special_tokens = SOT_EOT

    def __init__(
        self,
        tokenizer: Any,
        context_length: int,
        known: frozenset[int] | None = None,
        ends_at_eot: bool = True,
    ) -> None:
        self.tokenizer = tokenizer
        self.context_length, self.known = context_length, known
        self.stop = tokenizer.eot_token_id if ends_at_eot else None

    @staticmethod
    def wraps(tokenizer: Any) -> bool:
        """Return whether this is open_clip's ``SimpleTokenizer``."""
        return hasattr(tokenizer, "byte_encoder") and hasattr(tokenizer, "clean_fn")

    def from_ids(self, ids: Sequence[int]) -> Tokens:
        """Decode token ids to the caption that they spell.

        Args:
            ids: SOT, tokens, EOT and any padding, as the tokenizer makes them.

        Raises:
            ValueError: there is no SOT at the start, no EOT, or an unknown id.
        """
        sot, eot = self.tokenizer.sot_token_id, self.tokenizer.eot_token_id
        ids = list(ids)
        if not ids or ids[0] != sot or eot not in ids:
            raise ValueError(
                f"token ids must start with SOT ({sot}) and contain EOT ({eot}), "
                f"as the tokenizer makes them; got {ids[:4]}..."
            )
        ids = ids[1 : ids.index(eot)]
        if unknown := [i for i in ids if i not in self.tokenizer.decoder]:
            raise ValueError(f"token ids {unknown[:4]} are not in this tokenizer's vocabulary")
        # A token may hold part of a character only, so the bytes of all are decoded together.
        pieces = [self._bytes(i) for i in ids]
        data = b"".join(body + space for body, space in pieces)
        text = data.decode("utf-8", errors="surrogateescape")
        owner = [n for n, c in enumerate(text) for _ in c.encode("utf-8", "surrogateescape")]
        spans, at = [], 0
        for body, space in pieces:
            spans.append((owner[at], owner[at + len(body) - 1] + 1))
            at += len(body + space)
        caption = re.sub("[\udc80-\udcff]", "\N{REPLACEMENT CHARACTER}", text)
        return self._tokens(caption.removesuffix(" "), ids, spans)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without SOT and EOT."""
        ids: list[int] = self.tokenizer.encode(text)
        return ids

    def add_special_tokens(self, ids: Sequence[int]) -> list[int]:
        """Return SOT, the ids that the model reads, EOT."""
        read = ids[: self._read_count(ids)]
        return [self.tokenizer.sot_token_id, *read, self.tokenizer.eot_token_id]

    def _split(self, caption: str) -> tuple[list[int], list[Span]]:
        cleaned = self.tokenizer.clean_fn(caption)
        origin = origins(caption, cleaned, self.tokenizer.clean_fn)
        ids, spans = [], []
        for match in self.tokenizer.pat.finditer(cleaned):
            for token, a, b in self._encode(match.group()):
                ids.append(token)
                spans.append(span_of(origin, match.start() + a, match.start() + b))
        return ids, spans

    def _bytes(self, token: int) -> tuple[bytes, bytes]:
        """Return a token's bytes, and the space after it if it ends a word."""
        text = self.tokenizer.decoder[token]
        body = text.removesuffix("</w>")
        return bytes(self.tokenizer.byte_decoder[c] for c in body), b" " * (body != text)

    def _encode(self, text: str) -> list[tuple[int, int, int]]:
        """Return (id, start, end) of the byte pairs of one regular-expression match, in characters of it."""
        data = text.encode("utf-8")
        owner = [n for n, c in enumerate(text) for _ in c.encode("utf-8")]  # character of each byte
        out, at = [], 0
        for piece in self.tokenizer.bpe(
            "".join(self.tokenizer.byte_encoder[b] for b in data)
        ).split(" "):
            size = len(piece.removesuffix("</w>"))
            out.append((self.tokenizer.encoder[piece], owner[at], owner[at + size - 1] + 1))
            at += size
        return out
