"""The special tokens around a caption's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """What a tokenizer puts around a caption's own tokens.

    Attributes:
        leading, trailing: how many special tokens stand before and after them, as SOT and EOT do.
        pad: the token that fills up the context length, for towers that read it.
    """

    leading: int = 1
    trailing: int = 1
    pad: int = 0


SOT_EOT = SpecialTokens()
