"""Tangents of a pooled token, propagated through one block of any kind."""

from __future__ import annotations

import torch
from torch import Tensor

from .attention import PooledAttention, attention_jvp, no_autocast
from .base import AttentionBlock
from .forward_mode import DualLayout


def propagate_tangents(
    block: AttentionBlock,
    x: Tensor,
    attention: PooledAttention,
    moves: Tensor,
    tangents: Tensor | None,
    pooled: int | None,
) -> Tensor:
    """Take directions of a pooled token through a block of any kind, the other tokens held as they are.

    Args:
        block: the block.
        x: the pooled token (D,) entering it.
        attention: its attention there.
        moves: directions (K, D) of x.
        tangents: directions of its attention output, added along the first of those, if any.
        pooled: where its own key and value lie among those visible; ``None`` where it does not see itself.

    Returns:
        Directions (K + 1, D) of the pooled token leaving the block, the last along what its attention adds
        there: the block's own effect.
    """
    x, moves, attention = x.to(block.dtype), moves.to(block.dtype), attention.cast(block.dtype)
    layout = DualLayout(1, 0)
    with no_autocast(x):
        rows = torch.cat([x[None], moves])
        q, k, v = block.qkv(rows, layout)
        dq, dk, dv = q[1:], k[1:], v[1:]
        if pooled is None:
            dk, dv = torch.zeros_like(dk), torch.zeros_like(dv)
        do = attention_jvp(attention, pooled or 0, dq, dk, dv)
        if tangents is not None:
            do[: len(tangents)] += tangents.to(do)
        mixed = block.post_attention(rows, torch.cat([attention.o[None], do]), layout)
        return residual_mlp_with_contribution(block, rows, mixed, layout)[1:]


def residual_mlp_with_contribution(
    block: AttentionBlock, rows: Tensor, mixed: Tensor, layout: DualLayout
) -> Tensor:
    """`AttentionBlock.residual_mlp`, with one more direction below: along what the block's attention adds."""
    p = slice(layout.pooled, layout.pooled + 1)
    rows = torch.cat([rows, torch.zeros_like(rows[p])])
    return block.residual_mlp(rows, torch.cat([mixed, mixed[p]]), layout)
