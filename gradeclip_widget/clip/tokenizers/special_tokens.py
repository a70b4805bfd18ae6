"""The special tokens around a caption's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """How many special tokens a tokenizer puts around a caption's own, and what pads it.

    Attributes:
        leading: number before them, as SOT.
        trailing: number after them, as EOT.
        pad: id that fills up the context length, for towers that read padding.
    """

    leading: int = 1
    trailing: int = 1
    pad: int = 0

    def own(self, length: int) -> slice:
        """Return which tokens are the caption's own, of ``length`` without padding."""
        return slice(self.leading, length - self.trailing)


SOT_EOT = SpecialTokens()
