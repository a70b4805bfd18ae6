"""A caption's tokens under the model's own tokenizer, and the characters each came from."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..words import Span, Word, assign_tokens

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

    def __init__(
        self, tokenizer: Any, context_length: int, known: frozenset[int] | None = None
    ) -> None:
        """Wrap a tokenizer.

        Args:
            tokenizer: the model's own.
            context_length: positions of the text tower.
            known: ids that the model was trained on; ``None`` for all.

        Raises:
            TypeError: the tokenizer is not open_clip's own byte-pair tokenizer.
        """
        if not hasattr(tokenizer, "byte_encoder") or not hasattr(tokenizer, "clean_fn"):
            raise TypeError(
                f"tokenizer {type(tokenizer).__name__} is not open_clip's SimpleTokenizer, "
                "the only one whose tokens can be traced to the caption's words so far"
            )
        self.tokenizer = tokenizer
        self.context_length = context_length
        self.known = known

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
                f"(this model reads {self.context_length - 2} tokens)"
            )
        cleaned = self.tokenizer.clean_fn(caption)
        origin = _origins(caption, cleaned)
        ids, spans = [], []
        for match in self.tokenizer.pat.finditer(cleaned):
            for token, a, b in self._encode(match.group()):
                ids.append(token)
                spans.append(_span(origin, match.start() + a, match.start() + b))
        return self._tokens(caption, ids, spans)

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
        pieces = [self.tokenizer.decode([i]) for i in ids]
        edges = list(itertools.accumulate(map(len, pieces), initial=0))
        spans = [(a, a + len(p.rstrip())) for a, p in zip(edges, pieces, strict=False)]
        return self._tokens("".join(pieces).rstrip(), ids, spans)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without SOT and EOT."""
        ids: list[int] = self.tokenizer.encode(text)
        return ids

    def framed(self, ids: Sequence[int]) -> list[int]:
        """SOT, the ids that the model reads, EOT."""
        return [self.tokenizer.sot_token_id, *ids[: self._read(ids)], self.tokenizer.eot_token_id]

    def _read(self, ids: Sequence[int]) -> int:
        """How many ids the model reads: those that fit, up to a literal "<end_of_text>"."""
        eot = self.tokenizer.eot_token_id
        return min(self.context_length - 2, ids.index(eot) if eot in ids else len(ids))

    def _tokens(self, caption: str, ids: list[int], spans: list[Span]) -> Tokens:
        if not caption.strip():
            raise ValueError(f"caption has no words: {caption!r}; write what to look for")
        read = self._read(ids)
        known = None if self.known is None else [i in self.known for i in ids]
        words = assign_tokens(caption, spans, read, known)
        if not words:
            raise ValueError(f"caption has no words: {caption!r}; write what to look for")
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


def _origins(caption: str, cleaned: str) -> Callable[[int], Span]:
    """For each character of the cleaned caption, the characters of the caption it came from.

    Cleaning lowers case, folds white space, repairs mojibake and HTML entities: almost always a
    character for a character, which `difflib` finds; what was rewritten maps as a whole.
    """
    spans: list[Span] = []
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in caption)
    matcher = difflib.SequenceMatcher(None, lowered, cleaned.lower(), autojunk=False)
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        if kind == "equal" or a1 - a0 == b1 - b0:
            spans += [(a0 + n, a0 + n + 1) for n in range(b1 - b0)]
        else:
            spans += [(a0, a1)] * (b1 - b0)
    return lambda n: spans[n]


def _span(origin: Callable[[int], Span], a: int, b: int) -> Span:
    return origin(a)[0], origin(b - 1)[1]
