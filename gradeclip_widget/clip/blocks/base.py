"""Transformer blocks in two parts: attention, and a function of each row alone. Tangents through both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from .attention import PooledAttention, attention_jvp, no_autocast
from .forward_mode import DualLayout


def uncompiled(module: Any) -> Any:
    """Return the module that `torch.compile` wrapped; other modules unchanged."""
    return getattr(module, "_orig_mod", module)


class AttentionBlock(ABC):
    """A view of a transformer block that splits it at its attention.

    Matrices are (..., rows, D). With a `DualLayout` they are (rows, D), and the rows after the primal ones
    are tangents of one of them.

    Attributes:
        heads: attention heads.
    """

    heads: int

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Dtype of its weights."""

    @property
    def bias(self) -> Tensor | None:
        """Bias of the attention logits (heads, rows, rows), or ``None``."""
        return None

    @abstractmethod
    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return queries (..., rows, D), all heads side by side; the first row must be the pooled token."""

    @abstractmethod
    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Return keys and values."""

    @abstractmethod
    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values."""

    def post_attention(self, x: Tensor, o: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return the input of the rest of the block, from input rows ``x`` and attention outputs ``o``.

        Most blocks do not change the attention outputs; some normalize or gate them.
        """
        return o

    @abstractmethod
    def attention_branch(self, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return what is added to the rows before the MLP, from the result of `post_attention`."""

    @abstractmethod
    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return output rows, from input rows and the result of `post_attention`."""

    def forward_from_attention(
        self, x: Tensor, o: Tensor, layout: DualLayout | None = None
    ) -> Tensor:
        """Return output rows, from input rows and their attention outputs."""
        return self.residual_mlp(x, self.post_attention(x, o, layout), layout)


def propagate_tangents(
    block: AttentionBlock,
    x: Tensor,
    attention: PooledAttention,
    tangents: Tensor,
    attention_tangents: Tensor | None,
    pooled: int | None,
) -> Tensor:
    """Propagate tangents of a pooled token through a block; the other tokens are constant.

    Args:
        block: the block.
        x: the pooled token (D,) entering it.
        attention: its attention there.
        tangents: (K, D) of x.
        attention_tangents: tangents of its attention output, added to the first ones that result from
            ``tangents``; ``None`` adds nothing.
        pooled: index of its key and value among the visible ones; ``None`` if it does not attend to itself.

    Returns:
        Tangents (K + 1, D) of the pooled token leaving the block. The last is the block's contribution: the
        tangent along its whole attention output.
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
    """Run `AttentionBlock.residual_mlp` with a further tangent row, along the block's attention output."""
    p = slice(layout.pooled, layout.pooled + 1)
    rows = torch.cat([rows, torch.zeros_like(rows[p])])
    return block.residual_mlp(rows, torch.cat([mixed, mixed[p]]), layout)
