"""Sentences that a reader of an explanation should know. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .words import Word

_FAINT = 0.1  # of all blocks' summed evidence: below it the explained blocks are said to miss much


def notes_on(
    words: Sequence[Word],
    context_length: int,
    block_shares: Sequence[NDArray[np.float32]],
    layers: Sequence[int],
) -> tuple[str, ...]:
    """What was not read, what is unknown, and whether other blocks hold the evidence.

    Args:
        words: the caption's.
        context_length: tokens that the model reads.
        block_shares: (L,) of all image blocks, and of all text blocks, shallowest first.
        layers: how many of the last ones are explained, of either.
    """
    notes = []
    if cut := [w for w in words if w.truncated]:
        notes.append(
            f"This model reads {context_length} tokens: {_count(cut)} from {cut[0].text!r} on "
            f"{'was' if len(cut) == 1 else 'were'} not read."
        )
    if strange := [w for w in words if not w.known]:
        texts = ", ".join(dict.fromkeys(repr(w.text) for w in strange))
        notes.append(f"Unknown to this model, which was never trained on it: {texts}.")
    for side, shares, count in zip(("image", "text"), block_shares, layers, strict=True):
        magnitudes = np.abs(shares)
        explained = magnitudes[-count:].sum() / max(magnitudes.sum(), 1e-12)
        if explained < _FAINT and count < len(magnitudes):
            more = _layers_for(magnitudes, _FAINT)
            notes.append(
                f"The explained blocks of the {side} tower carry {explained:.0%} of what its pooled token "
                f"reads; {side}_layers={more} would explain more."
            )
    return tuple(notes)


def _layers_for(magnitudes: NDArray[np.float32], part: float) -> int:
    """How many of the last blocks carry that part of the whole."""
    from_last = magnitudes[::-1].cumsum() / magnitudes.sum()
    return int(np.searchsorted(from_last, part)) + 1


def _count(words: Sequence[Word]) -> str:
    return "1 word" if len(words) == 1 else f"{len(words)} words"
