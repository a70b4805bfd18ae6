"""One picture's pass through an image tower that reads its patches with a class token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..blocks.attention import PooledAttention, attend, attend_to_region, attention_jvp, no_autocast
from ..blocks.base import AttentionBlock
from ..blocks.forward_mode import DualLayout, embedding_jvp
from ..blocks.propagate import residual_mlp_with_contribution
from .base import check_layers


@dataclass(eq=False)
class ClassTokenTrace:
    """What the class token read of one picture."""

    embedding_of: Callable[[Tensor], Tensor]
    blocks: Sequence[AttentionBlock]  # the explained ones
    grid: tuple[int, int]  # (rows, cols)
    patches: slice
    attentions: list[PooledAttention]  # of the explained blocks, shallowest first
    tokens_in: Tensor  # (1 + patches, D) entering the first explained block
    last_in: Tensor  # (1 + patches, D) entering the last block
    pooled: Tensor  # (D,) class token leaving the last block
    moves: Tensor  # (L, D) what each block's attention output added to it, to first order

    @classmethod
    def of(
        cls,
        embedding_of: Callable[[Tensor], Tensor],
        blocks: Sequence[AttentionBlock],
        tokens: Tensor,
        grid: tuple[int, int],
        patches: slice,
        layers: int,
        single_head: bool,
        contributions: bool,
    ) -> ClassTokenTrace:
        """Run tokens (N, D) through blocks, the class token first among them; the last for its row alone.

        Raises:
            ValueError: there are not so many blocks as to be explained.
        """
        check_layers(layers, len(blocks))
        # Tokens, then what each block so far added to the class token.
        rows, count, attentions = tokens, len(tokens), list[PooledAttention]()
        last_in = tokens_in = tokens
        for number, block in enumerate(blocks):
            explained, last = number >= len(blocks) - layers, number == len(blocks) - 1
            last_in = rows[:count]
            if number == len(blocks) - layers:
                tokens_in = last_in
            heads = 1 if single_head and explained else block.heads
            o, attention = _attend(block, rows, count, patches, heads, last)
            if last:  # nothing but the class token leads to x
                rows = torch.cat([rows[:1], rows[count:]])
            if explained:
                attentions.append(attention)
            del attention  # frees the queries, keys and values of a block that is not explained
            layout = DualLayout(1 if last else count, 0)
            mixed = block.post_attention(rows, o, layout)
            leave = residual_mlp_with_contribution if contributions else type(block).residual_mlp
            rows = leave(block, rows, mixed, layout)
        return cls(
            embedding_of,
            blocks[-layers:],
            grid,
            patches,
            attentions,
            tokens_in,
            last_in,
            rows[0],
            rows[1:],
        )

    @cached_property
    def embedding(self) -> Tensor:
        """(E,) unit image embedding x."""
        with torch.no_grad():
            return self.embedding_of(self.pooled)

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E) what each block's attention output adds to x, to first order.

        Along the class token's own stream, the patches held as they are: what it read there itself.
        """
        with torch.no_grad():
            return embedding_jvp(self.pooled, self.moves, self.embedding_of)

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region: in the last block the class token reads it alone.

        Args:
            weights: (patches,) how much of each patch the region covers, 0 to 1.
        """
        block, row = self.blocks[-1], self.last_in[:1]
        with torch.no_grad(), no_autocast(row):
            o = attend_to_region(self.attentions[-1], weights)[None]
            return self.embedding_of(
                block.forward_from_attention(row.to(block.dtype), o.to(block.dtype))
            )[0]

    def vjp(self, directions: Tensor) -> Tensor:
        """Channel weights w = d(direction . x)/do of the class token: (K, E) to (blocks, K, D)."""
        if len(self.attentions) == 1:
            return self._pull_tail(directions)[None]
        with torch.enable_grad():
            x, moves = self._graph()
            rows = [torch.autograd.grad(x, moves, d, retain_graph=True) for d in directions]
        return torch.stack([torch.stack(w) for w in zip(*rows, strict=True)])

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """The last block's input (1 + patches, D), and gradients (K, 1 + patches, D) of direction . x."""
        block, heads = self.blocks[-1], self.attentions[-1].heads
        with torch.enable_grad():
            tokens = self.last_in.detach().requires_grad_()
            bias = block.bias
            bias = None if bias is None else bias[:, :1]
            o = attend(block.query(tokens[:1]), *block.keys_values(tokens), heads, bias)
            x = self.embedding_of(block.forward_from_attention(tokens[:1], o))[0]
            rows = [torch.autograd.grad(x, tokens, d, retain_graph=True)[0] for d in directions]
        return self.last_in, torch.stack(rows)

    def _pull_tail(self, directions: Tensor) -> Tensor:
        """At the last block only the class token's own row leads to x."""
        block = self.blocks[-1]
        with torch.enable_grad(), no_autocast(directions):
            o = self.attentions[-1].o[None].detach().to(block.dtype).requires_grad_()
            out = block.forward_from_attention(self.last_in[:1].detach().to(block.dtype), o)
            x = self.embedding_of(out)
            (w,) = torch.autograd.grad(x, o, directions[:, None], is_grads_batched=True)
        return w[:, 0]

    def _graph(self) -> tuple[Tensor, list[Tensor]]:
        """The embedding x over the explained blocks, and zeros added to what the class token reads.

        Between them the patches read the class token too, so the whole blocks are in the graph.
        """
        x, moves = self.tokens_in.detach(), []
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            o = attend(*block.qkv(x), attention.heads, block.bias)
            moves.append(torch.zeros_like(o[0]).requires_grad_())
            x = block.forward_from_attention(x, torch.cat([o[:1] + moves[-1], o[1:]]))
        return self.embedding_of(x[0]), moves


def _attend(
    block: AttentionBlock, rows: Tensor, count: int, patches: slice, heads: int, last: bool
) -> tuple[Tensor, PooledAttention]:
    """Attention output of the tokens, or of the class token alone, and of its directions below."""
    layout, queries = DualLayout(count, 0), 1 if last else count
    if last:
        k, v = block.keys_values(rows, layout)
        q = block.query(torch.cat([rows[:1], rows[count:]]), DualLayout(1, 0))
    else:
        q, k, v = block.qkv(rows, layout)
    bias = block.bias
    own = None if bias is None else bias[:, 0].clone()  # not to keep all of it alive
    bias = None if bias is None else bias[:, :queries]
    o = attend(q[:queries], k[:count], v[:count], heads, bias)
    attention = PooledAttention(q[0], k[:count], v[:count], o[0], heads, count, patches, bias=own)
    if len(rows) > count:
        moves = attention_jvp(attention, 0, q[queries:], k[count:], v[count:])
        o = torch.cat([o, moves])
    return o, attention
