"""A transformer block as attention between two row-wise halves, carrying derivatives along."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PooledAttention:
    """What the pooled token read in one block.

    Attributes:
        q: its query (D,), all heads side by side.
        k, v: keys and values (N, D) of every token of the tower, the pooled one included.
        o: its attention output (D,) before the output projection.
        heads: attention heads of this block as it was run.
        visible: the first this many tokens are those that the pooled token attends to.
        tokens: the explained ones among the N (patches, or a caption's own tokens).
        padding: how many of the visible ones, at their end, are padding.
        bias: what is added to its attention's logits (heads, N), if anything.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    heads: int
    visible: int
    tokens: slice | Tensor
    padding: int = 0
    bias: Tensor | None = None

    def copied(self, dtype: torch.dtype) -> PooledAttention:
        """The same in memory of its own, so that it does not keep a larger matrix alive."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype, copy=True) for n in names})

    def cast(self, dtype: torch.dtype) -> PooledAttention:
        """The same in another type, in the same memory where it has that type already."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype) for n in names})

    def weights(self) -> Tensor:
        """Attention weights (heads, visible) of the pooled token."""
        bias = None if self.bias is None else self.bias[:, : self.visible]
        return attention_weights(self.q, self.k[: self.visible], self.heads, bias)


def attend_to_region(attention: PooledAttention, weights: Tensor) -> Tensor:
    """Return the attention output (D,) at the pooled token where it may look at a region alone.

    Args:
        attention: that of the whole picture.
        weights: (patches,) 0 to 1, how much of each patch the region covers, not all of them 0. A patch's
            attention is multiplied by it, and what is left sums to one again.
    """
    k, v = (
        attention.k[attention.tokens],
        split_heads(attention.v[attention.tokens], attention.heads),
    )
    bias = weights.to(k).log()[None]  # a factor of the weights is a term of their logits
    if attention.bias is not None:
        bias = bias + attention.bias[:, attention.tokens]
    return (attention_weights(attention.q, k, attention.heads, bias)[:, None] @ v).flatten()


def split_heads(rows: Tensor, heads: int) -> Tensor:
    """(N, D) to (heads, N, D / heads)."""
    return rows.reshape(len(rows), heads, rows.shape[-1] // heads).transpose(0, 1)


def attention_weights(q: Tensor, k: Tensor, heads: int, bias: Tensor | None = None) -> Tensor:
    """Attention weights (heads, N) of a query (D,) over keys (N, D), with a bias (heads, N) of its logits."""
    queries, keys = split_heads(q[None], heads), split_heads(k, heads)
    logits = (queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1]))[:, 0]
    return (logits if bias is None else logits + bias).softmax(-1)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Multi-head attention of rows q (M, D) over k, v (N, D), to (M, D).

    The mask is true where seen (M, N), or numbers to add to the logits (heads, M, N).
    """
    q, k, v = (split_heads(a, heads) for a in (q, k, v))
    mask = mask if mask is None or mask.dtype == torch.bool else mask.to(q.dtype)
    o = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]
    return o.transpose(0, 1).flatten(1)


def attend_batch(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Multi-head attention of batches (B, L, D) under masks ([B,] L, L), true where seen."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(1, 2) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.unsqueeze(-3))
    return o.transpose(1, 2).flatten(2)


def attention_jvp(
    attention: PooledAttention, pooled: int, dq: Tensor, dk: Tensor, dv: Tensor
) -> Tensor:
    """How a pooled token's attention output moves (K, D) as its own q, k and v move by (K, D) each."""
    heads, n = attention.heads, attention.visible
    weights = attention.weights()  # (heads, N)
    k, v = split_heads(attention.k[:n], heads), split_heads(attention.v[:n], heads)
    q = attention.q.reshape(heads, -1)
    dq, dk, dv = (split_heads(a, heads) for a in (dq, dk, dv))
    logits = dq @ k.transpose(-1, -2)  # (heads, K, N)
    logits[..., pooled] += (dk @ q[..., None])[..., 0]
    moves = weights[:, None] * logits / math.sqrt(q.shape[-1])
    moves = moves - weights[:, None] * moves.sum(-1, keepdim=True)
    do = moves @ v + weights[:, None, pooled, None] * dv
    return do.transpose(0, 1).flatten(1)


def no_autocast(x: Tensor) -> torch.autocast:
    """Autocast off where ``x`` lies: one row costs nothing, and derivatives are taken along it."""
    return torch.autocast(x.device.type, enabled=False)


TangentFn = Callable[
    [PooledAttention], Tensor
]  # what a block read, to moves (K, D) of its attention output
