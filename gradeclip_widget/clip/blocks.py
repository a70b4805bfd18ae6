"""A pre-norm transformer block as attention between two row-wise halves, carrying derivatives along.

Forward-mode derivatives of the pooled token ride through a block as extra rows of the very matrix
products that the block does anyway: a pass of their own would read every weight again, and for a handful
of rows reading weights is all the cost there is.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad


@dataclass(frozen=True)
class Layout:
    """What the rows of a matrix are: ``plain`` tokens first, then directions in which ``pooled`` moves."""

    plain: int
    pooled: int


class Attends(Protocol):
    """A transformer block as attention between two row-wise halves, on matrices (..., rows, D)."""

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""

    def query(self, x: Tensor) -> Tensor:
        """Queries, all heads side by side."""

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values."""

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""

    def mix(self, x: Tensor, o: Tensor) -> Tensor:
        """What a block makes of attention outputs before their length counts: itself, or a norm of it."""

    def leave(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Output rows, from input rows and what `mix` made of the attention output."""

    def finish(self, x: Tensor, o: Tensor) -> Tensor:
        """Output rows, from input rows and their attention output: `leave` after `mix`."""


@dataclass(frozen=True, eq=False)
class Block:
    """An open_clip ``ResidualAttentionBlock``, its attention taken apart.

    Matrices are (rows, D). With a `Layout`, the rows past the plain ones are directions.
    """

    module: Any
    heads: int

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
        if not isinstance(attention, nn.MultiheadAttention) or steps != ["c_fc", "gelu", "c_proj"]:
            raise TypeError(f"unknown transformer block {type(module).__name__}")
        return cls(module, attention.num_heads)

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

    def finish(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """The block's output rows, from its input rows and their attention output before projection."""
        m = self.module
        x = x + m.ls_1(_linear(o, m.attn.out_proj.weight, m.attn.out_proj.bias, layout))
        h = _linear(_norm(m.ln_2, x, layout), m.mlp.c_fc.weight, m.mlp.c_fc.bias, layout)
        h = _activate(m.mlp.gelu, h, layout)
        return x + cast(Tensor, m.ls_2(_linear(h, m.mlp.c_proj.weight, m.mlp.c_proj.bias, layout)))

    def mix(self, x: Tensor, o: Tensor) -> Tensor:
        """The attention output as it enters the projection: itself."""
        return o

    def leave(self, x: Tensor, mixed: Tensor) -> Tensor:
        """As `finish`, since nothing comes between."""
        return self.finish(x, mixed)

    def _project(self, x: Tensor, first: int, last: int, layout: Layout | None) -> Tensor:
        attention = self.module.attn
        rows = slice(first * attention.embed_dim, last * attention.embed_dim)
        bias = attention.in_proj_bias
        bias = None if bias is None else bias[rows]
        return _linear(
            _norm(self.module.ln_1, x, layout), attention.in_proj_weight[rows], bias, layout
        )


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
    """

    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    heads: int
    visible: int
    tokens: slice | Tensor
    padding: int = 0

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
        return attention_weights(self.q, self.k[: self.visible], self.heads)


def split_heads(rows: Tensor, heads: int) -> Tensor:
    """(N, D) to (heads, N, D / heads)."""
    return rows.reshape(len(rows), heads, rows.shape[-1] // heads).transpose(0, 1)


def attention_weights(q: Tensor, k: Tensor, heads: int) -> Tensor:
    """Attention weights (heads, N) of a query (D,) over keys (N, D)."""
    queries, keys = split_heads(q[None], heads), split_heads(k, heads)
    return (queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])).softmax(-1)[:, 0]


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Multi-head attention of rows q (M, D) over k, v (N, D), to (M, D); mask (M, N) is true where seen."""
    q, k, v = (split_heads(a, heads) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]
    return o.transpose(0, 1).flatten(1)


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
        raise ValueError(
            f"image_layers={layers}: this image tower has {depth} blocks; give 1 to {depth}"
        )


def text_embedding(text: Any, pooled: Tensor) -> Tensor:
    """Unit embeddings (..., E) of pooled tokens (..., D) leaving an open_clip text tower's last block."""
    with exact(pooled):
        pooled = text.ln_final(pooled)
        if isinstance(text.text_projection, nn.Linear):
            pooled = text.text_projection(pooled)
        elif text.text_projection is not None:
            pooled = pooled @ text.text_projection
        return F.normalize(pooled.float(), dim=-1)


def push_embedding(
    pooled: Tensor, moves: Tensor, embedding_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Directions (K, D) of a pooled token (D,) as directions (K, E) of its unit embedding."""
    with forward_ad.dual_level(), quiet():
        rows = pooled.expand(len(moves), -1).contiguous()
        moving = embedding_of(forward_ad.make_dual(rows, moves))
        return _tangent(moving)


def carry(
    block: Attends, x: Tensor, read: Read, moves: Tensor, at_o: Tensor | None, pooled: int | None
) -> Tensor:
    """Take directions of a pooled token through a block of any kind, the other tokens held as they are.

    Args:
        block: the block, its rows placed as the pooled token is.
        x: the pooled token (D,) entering it.
        read: what it read there.
        moves: directions (K, D) of x.
        at_o: directions (K, D_o) added to its attention output, if any.
        pooled: where its own key and value lie among those visible; ``None`` where it does not see itself.

    Returns:
        Directions (K + 1, D) of the pooled token leaving the block, the last along what its attention adds
        there: the block's own effect.
    """
    x, moves, read = x.to(block.dtype), moves.to(block.dtype), read.cast(block.dtype)
    moves = torch.cat([moves, moves.new_zeros(1, moves.shape[-1])])
    with exact(x), quiet():
        dq, dk, dv = _pushed(
            lambda row: (block.query(row), *block.keys_values(row)), (x,), (moves,)
        )
        if pooled is None:
            dk, dv = torch.zeros_like(dk), torch.zeros_like(dv)
        do = attend_moves(read, pooled or 0, dq, dk, dv)
        if at_o is not None:
            do[:-1] += at_o.to(do)
        mixed = block.mix(x, read.o)
        (change,) = _pushed(lambda row, o: (block.mix(row, o),), (x, read.o), (moves, do))
        change = torch.cat([change[:-1], mixed[None]])
        (out,) = _pushed(lambda row, m: (block.leave(row, m),), (x, mixed), (moves, change))
        return out


def _pushed(
    function: Callable[..., tuple[Tensor, ...]], at: tuple[Tensor, ...], moves: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """Derivatives of a function at one place along many directions (K, ...), the place computed once."""

    def along(*directions: Tensor) -> tuple[Tensor, ...]:
        return cast(tuple[Tensor, ...], torch.func.jvp(function, at, directions)[1])

    pushed: tuple[Tensor, ...] = torch.func.vmap(along)(*moves)
    return pushed


def _tangent(moving: Tensor) -> Tensor:
    primal, tangent = forward_ad.unpack_dual(moving)
    return torch.zeros_like(primal) if tangent is None else tangent


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """At its first use torch scripts its own decompositions, and warns of its own scripting."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script", category=FutureWarning)
        yield


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None, layout: Layout | None) -> Tensor:
    out = F.linear(x, weight, bias)
    if bias is not None and layout is not None and layout.plain < len(x):
        out[layout.plain :] -= bias
    return out


def _norm(norm: nn.LayerNorm, x: Tensor, layout: Layout | None) -> Tensor:
    out = cast(Tensor, norm(x))
    if layout is not None and layout.plain < len(x):
        row, moves = x[layout.pooled].float(), x[layout.plain :].float()
        scale = (row.var(correction=0) + norm.eps).rsqrt()
        unit = (row - row.mean()) * scale
        moves = moves - moves.mean(-1, keepdim=True) - (moves @ unit)[:, None] * unit / len(unit)
        out[layout.plain :] = (moves * scale * norm.weight).to(out)
    return out


def _activate(activation: nn.Module, h: Tensor, layout: Layout | None) -> Tensor:
    out = cast(Tensor, activation(h))
    if layout is not None and layout.plain < len(h):
        with torch.enable_grad():
            row = h[layout.pooled].detach().requires_grad_()
            (slope,) = torch.autograd.grad(activation(row).sum(), row)
        out[layout.plain :] = slope * h[layout.plain :]
    return out
