"""The special tokens around a caption's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """What a tokenizer puts around a caption's own tokens.

    Attributes:
        lead, tail: how many special tokens stand before and after them, as SOT and EOT do.
        pad: the token that fills up the context length, for towers that read it.
    """

    lead: int = 1
    tail: int = 1
    pad: int = 0


SOT_EOT = Frame()
