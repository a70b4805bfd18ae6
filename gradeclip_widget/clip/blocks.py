"""A transformer block as attention between two row-wise halves, carrying derivatives along."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .directions import Layout, activate, linear, norm, unbiased


class Attends(Protocol):
    """A transformer block as attention between two row-wise halves, on matrices (..., rows, D).

    With a `Layout`, matrices are (rows, D), and the rows past the plain ones are directions of one of them.
    """

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""

    @property
    def heads(self) -> int:
        """Of its attention."""

    @property
    def bias(self) -> Tensor | None:
        """What is added to the attention's logits, (heads, rows, rows), if anything."""

    def query(self, x: Tensor, layout: Layout | None = None) -> Tensor:
        """Queries of rows that the pooled token is first of, all heads side by side."""

    def keys_values(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values."""

    def qkv(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""

    def mix(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """What a block makes of attention outputs before their length counts: itself, or a norm of it."""

    def leave(self, x: Tensor, mixed: Tensor, layout: Layout | None = None) -> Tensor:
        """Output rows, from input rows and what `mix` made of the attention output."""

    def finish(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """Output rows, from input rows and their attention output: `leave` after `mix`."""


@dataclass(frozen=True, eq=False)
class Block:
    """An open_clip ``ResidualAttentionBlock``, its attention taken apart.

    The attention is torch's ``MultiheadAttention``, or open_clip's own module with its weights so named.
    """

    module: Any
    heads: int
    bias: ClassVar[None] = None

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        dtype: torch.dtype = self.module.attn.out_proj.weight.dtype
        return dtype

    @classmethod
    def of(cls, module: nn.Module) -> Block:
        """View a block, or raise ``TypeError`` where it is not open_clip's standard one."""
        attention, mlp = getattr(module, "attn", None), getattr(module, "mlp", None)
        steps = [name for name, _ in mlp.named_children()] if isinstance(mlp, nn.Module) else []
        if getattr(attention, "in_proj_weight", None) is None or steps != [
            "c_fc",
            "gelu",
            "c_proj",
        ]:
            raise TypeError(f"unknown transformer block {type(module).__name__}")
        for part in ("ln_q", "ln_k", "ln_inner", "logit_scale", "head_scale"):
            if not isinstance(getattr(attention, part, None), nn.Identity | None):
                raise TypeError(f"the attention of its blocks has {part}, which is not known here")
        return cls(module, cast(Any, attention).num_heads)

    def query(self, x: Tensor, layout: Layout | None = None) -> Tensor:
        """Queries (rows, D), all heads side by side."""
        return self._project(x, 0, 1, layout)

    def keys_values(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values, each (rows, D)."""
        k, v = self._project(x, 1, 3, layout).chunk(2, -1)
        return k, v

    def qkv(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (rows, D)."""
        q, k, v = self._project(x, 0, 3, layout).chunk(3, -1)
        return q, k, v

    def mix(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """The attention output as it enters the projection: itself."""
        return o

    def leave(self, x: Tensor, mixed: Tensor, layout: Layout | None = None) -> Tensor:
        """The block's output rows, from its input rows and their attention output before projection."""
        m = self.module
        x = x + m.ls_1(linear(m.attn.out_proj, mixed, layout))
        h = linear(m.mlp.c_fc, norm(m.ln_2, x, layout), layout)
        h = activate(m.mlp.gelu, h, layout)
        return x + cast(Tensor, m.ls_2(linear(m.mlp.c_proj, h, layout)))

    def finish(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """As `leave`, since nothing comes between."""
        return self.leave(x, o, layout)

    def _project(self, x: Tensor, first: int, last: int, layout: Layout | None) -> Tensor:
        attention = self.module.attn
        size = attention.out_proj.in_features
        rows = slice(first * size, last * size)
        bias = None if attention.in_proj_bias is None else attention.in_proj_bias[rows]
        out = F.linear(norm(self.module.ln_1, x, layout), attention.in_proj_weight[rows], bias)
        return unbiased(out, bias, layout)


@dataclass(frozen=True, eq=False)
class Read:
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

    def copied(self, dtype: torch.dtype) -> Read:
        """The same in memory of its own, so that it does not keep a larger matrix alive."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype, copy=True) for n in names})

    def cast(self, dtype: torch.dtype) -> Read:
        """The same in another type, in the same memory where it has that type already."""
        names = ("q", "k", "v", "o")
        return replace(self, **{n: getattr(self, n).to(dtype) for n in names})

    def attention(self) -> Tensor:
        """Attention weights (heads, visible) of the pooled token."""
        bias = None if self.bias is None else self.bias[:, : self.visible]
        return attention_weights(self.q, self.k[: self.visible], self.heads, bias)


def read_region(read: Read, weights: Tensor) -> Tensor:
    """Return the attention output (D,) at the pooled token where it may look at a region alone.

    Args:
        read: what it reads otherwise.
        weights: (patches,) 0 to 1, how much of each patch the region covers, not all of them 0. A patch's
            attention is multiplied by it, and what is left sums to one again.
    """
    k, v = read.k[read.tokens], split_heads(read.v[read.tokens], read.heads)
    bias = weights.to(k).log()[None]  # a factor of the weights is a term of their logits
    if read.bias is not None:
        bias = bias + read.bias[:, read.tokens]
    return (attention_weights(read.q, k, read.heads, bias)[:, None] @ v).flatten()


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


def attend_moves(read: Read, pooled: int, dq: Tensor, dk: Tensor, dv: Tensor) -> Tensor:
    """How a pooled token's attention output moves (K, D) as its own q, k and v move by (K, D) each."""
    heads, n = read.heads, read.visible
    weights = read.attention()  # (heads, N)
    k, v = split_heads(read.k[:n], heads), split_heads(read.v[:n], heads)
    q = read.q.reshape(heads, -1)
    dq, dk, dv = (split_heads(a, heads) for a in (dq, dk, dv))
    logits = dq @ k.transpose(-1, -2)  # (heads, K, N)
    logits[..., pooled] += (dk @ q[..., None])[..., 0]
    moves = weights[:, None] * logits / math.sqrt(q.shape[-1])
    moves = moves - weights[:, None] * moves.sum(-1, keepdim=True)
    do = moves @ v + weights[:, None, pooled, None] * dv
    return do.transpose(0, 1).flatten(1)


def exact(x: Tensor) -> torch.autocast:
    """Autocast off where ``x`` lies: one row costs nothing, and derivatives are taken along it."""
    return torch.autocast(x.device.type, enabled=False)


def check_layers(layers: int, depth: int) -> None:
    """Raise ``ValueError`` where an image tower does not have so many blocks to explain."""
    if not 1 <= layers <= depth:
        has = "one block; give 1" if depth == 1 else f"{depth} blocks; give 1 to {depth}"
        raise ValueError(f"image_layers={layers}: this image tower has {has}")


def text_embedding(text: Any, pooled: Tensor) -> Tensor:
    """Unit embeddings (..., E) of pooled tokens (..., D) leaving an open_clip text tower's last block."""
    with exact(pooled):
        pooled = text.ln_final(pooled)
        if isinstance(text.text_projection, nn.Linear):
            pooled = text.text_projection(pooled)
        elif text.text_projection is not None:
            pooled = pooled @ text.text_projection
        return F.normalize(pooled.float(), dim=-1)


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
