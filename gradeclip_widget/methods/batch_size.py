"""How much of a tower is run at once: as much as keeps a slow processor busy for a tenth of a second."""

from __future__ import annotations

from ..clip.blocks.transformer import Transformer

_OPERATIONS = 1.5e8  # rows times width squared times blocks: a tenth of a second on one slow core
_ON_ACCELERATOR = 32


def batch_size(transformer: Transformer, blocks: int, passes: int = 1) -> int:
    """Return how many inputs of a transformer to run at once, between two reports of progress.

    It depends on sizes only and never on the clock, since rounding depends on it.

    Args:
        transformer: with the rows (N, D) of one input.
        blocks: how many of its blocks are run.
        passes: forward and backward passes of each.
    """
    if transformer.rows.device.type != "cpu":
        return _ON_ACCELERATOR
    rows, width = transformer.rows.shape
    return max(1, int(_OPERATIONS / (rows * width**2 * max(1, blocks) * passes)))
