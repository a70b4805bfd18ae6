"""Tangents of a pooled token, propagated through one block of any kind."""

from __future__ import annotations

import torch
from torch import Tensor

from .attention import Read, attend_moves, exact
from .base import Attends
from .forward_mode import Layout


def carry(
    block: Attends, x: Tensor, read: Read, moves: Tensor, at_o: Tensor | None, pooled: int | None
) -> Tensor:
    """Take directions of a pooled token through a block of any kind, the other tokens held as they are.

    Args:
        block: the block.
        x: the pooled token (D,) entering it.
        read: what it read there.
        moves: directions (K, D) of x.
        at_o: directions of its attention output, added along the first of those, if any.
        pooled: where its own key and value lie among those visible; ``None`` where it does not see itself.

    Returns:
        Directions (K + 1, D) of the pooled token leaving the block, the last along what its attention adds
        there: the block's own effect.
    """
    x, moves, read = x.to(block.dtype), moves.to(block.dtype), read.cast(block.dtype)
    layout = Layout(1, 0)
    with exact(x):
        rows = torch.cat([x[None], moves])
        q, k, v = block.qkv(rows, layout)
        dq, dk, dv = q[1:], k[1:], v[1:]
        if pooled is None:
            dk, dv = torch.zeros_like(dk), torch.zeros_like(dv)
        do = attend_moves(read, pooled or 0, dq, dk, dv)
        if at_o is not None:
            do[: len(at_o)] += at_o.to(do)
        mixed = block.mix(rows, torch.cat([read.o[None], do]), layout)
        return leave_with_effect(block, rows, mixed, layout)[1:]


def leave_with_effect(block: Attends, rows: Tensor, mixed: Tensor, layout: Layout) -> Tensor:
    """`Attends.leave`, with one more direction below: along what the block's attention adds."""
    p = slice(layout.pooled, layout.pooled + 1)
    rows = torch.cat([rows, torch.zeros_like(rows[p])])
    return block.leave(rows, torch.cat([mixed, mixed[p]]), layout)
