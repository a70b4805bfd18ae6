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
    tangents: Tensor,
    attention_tangents: Tensor | None,
    pooled: int | None,
) -> Tensor:
    """Propagate tangents of a pooled token through a block, the other tokens held fixed.

    Args:
        block: the block.
        x: the pooled token (D,) entering it.
        attention: its attention there.
        tangents: (K, D) of x.
        attention_tangents: tangents of its attention output, added to the first of those that follow from
            ``tangents``; ``None`` adds nothing.
        pooled: which of the visible keys and values are its own; ``None`` where it does not see itself.

    Returns:
        Tangents (K + 1, D) of the pooled token leaving the block. The last is the block's own contribution:
        the tangent along its whole attention output.
    """
    dtype, layout = block.dtype, DualLayout(1, 0)
    x, tangents, attention = x.to(dtype), tangents.to(dtype), attention.cast(dtype)
    with no_autocast(x):
        rows = torch.cat([x[None], tangents])
        q, k, v = block.qkv(rows, layout)
        dq, dk, dv = q[1:], k[1:], v[1:]
        if pooled is None:
            dk, dv = torch.zeros_like(dk), torch.zeros_like(dv)
        do = attention_jvp(attention, pooled or 0, dq, dk, dv)
        if attention_tangents is not None:
            do[: len(attention_tangents)] += attention_tangents.to(do)
        mixed = block.post_attention(rows, torch.cat([attention.o[None], do]), layout)
        return residual_mlp_with_contribution(block, rows, mixed, layout)[1:]


def residual_mlp_with_contribution(
    block: AttentionBlock, rows: Tensor, mixed: Tensor, layout: DualLayout
) -> Tensor:
    """Run `AttentionBlock.residual_mlp` with one more tangent below, along the block's attention output."""
    p = slice(layout.pooled, layout.pooled + 1)
    rows = torch.cat([rows, torch.zeros_like(rows[p])])
    return block.residual_mlp(rows, torch.cat([mixed, mixed[p]]), layout)
