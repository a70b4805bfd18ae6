"""Multi-head attention: what a pooled token attends to in one block, and its derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PooledAttention:
    """Attention of the pooled token (class token, EOT, or a pooling head's query) in one block.

    Attributes:
        q: its query (D,), all heads side by side.
        k, v: keys and values (N, D) of every token of the tower, including the pooled one.
        o: its attention output (D,) before the output projection.
        heads: attention heads that this block was run with.
        visible: number of tokens that the pooled token attends to, the first of the N.
        tokens: which of the N are explained: patches, or a caption's tokens without special ones.
        padding: number of padding tokens, the last of the visible ones.
        bias: added to its attention logits (heads, N), or ``None``.
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
        """Return a copy that shares no memory, so that no larger matrix is kept alive."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype, copy=True) for n in names})

    def cast(self, dtype: torch.dtype) -> PooledAttention:
        """Return the same attention in another dtype; tensors that have it already are shared."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype) for n in names})

    def weights(self) -> Tensor:
        """Return the attention weights (heads, visible)."""
        bias = None if self.bias is None else self.bias[:, None, : self.visible]
        return attention_weights(self.q[None], self.k[: self.visible], self.heads, bias)[:, 0]


TangentFn = Callable[[PooledAttention], Tensor]  # returns tangents (K, D) of the attention output


def attend_to_region(attention: PooledAttention, weights: Tensor) -> Tensor:
    """Return the pooled token's attention output (D,) if it attends only to one region.

    Args:
        attention: its attention to the whole picture.
        weights: (patches,) 0 to 1, how much of each patch the region covers, not all 0. They multiply the
            attention weights of the patches, which are then normalized to sum to one.
    """
    q, k, v = attention.q[None], attention.k[attention.tokens], attention.v[attention.tokens]
    bias = weights.to(k).log()[None, None]  # adding to logits multiplies weights
    if attention.bias is not None:
        bias = bias + attention.bias[:, None, attention.tokens]
    return attend_composite(q, k, v, attention.heads, bias)[0]


def split_heads(rows: Tensor, heads: int) -> Tensor:
    """Reshape (..., N, D) to (..., heads, N, D / heads)."""
    per_head: Tensor = rows.unflatten(-1, (heads, -1))
    return per_head.transpose(-3, -2)


def merge_heads(rows: Tensor) -> Tensor:
    """Reshape (..., heads, N, D / heads) to (..., N, D)."""
    return rows.transpose(-3, -2).flatten(-2)


def attention_weights(q: Tensor, k: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Return the attention weights (heads, M, N) of queries (M, D) over keys (N, D).

    Args:
        q: queries, all heads side by side.
        k: keys.
        heads: attention heads.
        mask: true where a query may attend (M, N), or numbers to add to the logits (heads, M, N).
    """
    queries, keys = split_heads(q, heads), split_heads(k, heads)
    logits = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    if mask is not None:
        logits = (
            logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
        )
    return logits.softmax(-1)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Return multi-head attention outputs (..., M, D).

    Args:
        q: queries (..., M, D), all heads side by side.
        k: keys (..., N, D).
        v: values (..., N, D).
        heads: attention heads.
        mask: true where a row may attend, or numbers to add to the logits; (M, N), or any shape that
            broadcasts to (..., heads, M, N).
    """
    q, k, v = (split_heads(a, heads) for a in (q, k, v))
    if mask is not None and mask.dtype != torch.bool:
        mask = mask.to(q.dtype)
    if q.ndim > 3:
        return merge_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    # A batch of one, since torch's fast kernels take only four dimensions.
    o = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]
    return merge_heads(o)


def attend_composite(
    q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None
) -> Tensor:
    """Return the same as `attend` for rows (M, D), by operations that `torch.func` can differentiate."""
    return merge_heads(attention_weights(q, k, heads, mask) @ split_heads(v, heads))


def attention_jvp(
    attention: PooledAttention, pooled: int, dq: Tensor, dk: Tensor, dv: Tensor
) -> Tensor:
    """Return tangents (K, D) of the pooled token's attention output.

    Args:
        attention: where to differentiate.
        pooled: index of the pooled token's key and value. Those of other tokens are constant.
        dq: tangents (K, D) of its query.
        dk: tangents (K, D) of its key.
        dv: tangents (K, D) of its value.
    """
    heads, n = attention.heads, attention.visible
    weights = attention.weights()  # (heads, N)
    k, v = split_heads(attention.k[:n], heads), split_heads(attention.v[:n], heads)
    q = attention.q.reshape(heads, -1)
    dq, dk, dv = (split_heads(a, heads) for a in (dq, dk, dv))
    logits = dq @ k.transpose(-1, -2)  # (heads, K, N)
    logits[..., pooled] += (dk @ q[..., None])[..., 0]
    tangents = weights[:, None] * logits / math.sqrt(q.shape[-1])
    tangents = tangents - weights[:, None] * tangents.sum(-1, keepdim=True)
    return merge_heads(tangents @ v + weights[:, None, pooled, None] * dv)


def no_autocast(x: Tensor) -> torch.autocast:
    """Return a context without autocast on the device of ``x``, for code that computes derivatives."""
    return torch.autocast(x.device.type, enabled=False)
