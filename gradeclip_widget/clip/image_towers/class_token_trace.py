"""One picture's pass through an image tower that reads its patches with a class token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..blocks.attention import Read, attend, attend_moves, exact, read_region
from ..blocks.base import Attends
from ..blocks.forward_mode import Layout, push_embedding
from ..blocks.propagate import leave_with_effect
from .base import check_layers


@dataclass(eq=False)
class ClassTokenTrace:
    """What the class token read of one picture."""

    embedding_of: Callable[[Tensor], Tensor]
    blocks: Sequence[Attends]  # the explained ones
    grid: tuple[int, int]  # (rows, cols)
    patches: slice
    reads: list[Read]  # of the explained blocks, shallowest first
    tokens_in: Tensor  # (1 + patches, D) entering the first explained block
    last_in: Tensor  # (1 + patches, D) entering the last block
    pooled: Tensor  # (D,) class token leaving the last block
    moves: Tensor  # (L, D) what each block's attention output added to it, to first order

    @classmethod
    def of(
        cls,
        embedding_of: Callable[[Tensor], Tensor],
        blocks: Sequence[Attends],
        tokens: Tensor,
        grid: tuple[int, int],
        patches: slice,
        layers: int,
        single_head: bool,
        effects: bool,
    ) -> ClassTokenTrace:
        """Run tokens (N, D) through blocks, the class token first among them; the last for its row alone.

        Raises:
            ValueError: there are not so many blocks as to be explained.
        """
        check_layers(layers, len(blocks))
        # Tokens, then what each block so far added to the class token.
        rows, count, reads = tokens, len(tokens), list[Read]()
        last_in = tokens_in = tokens
        for number, block in enumerate(blocks):
            explained, last = number >= len(blocks) - layers, number == len(blocks) - 1
            last_in = rows[:count]
            if number == len(blocks) - layers:
                tokens_in = last_in
            heads = 1 if single_head and explained else block.heads
            o, read = _attend(block, rows, count, patches, heads, last)
            if last:  # nothing but the class token leads to x
                rows = torch.cat([rows[:1], rows[count:]])
            if explained:
                reads.append(read)
            del read  # frees the queries, keys and values of a block that is not explained
            layout = Layout(1 if last else count, 0)
            mixed = block.mix(rows, o, layout)
            leave = leave_with_effect if effects else type(block).leave
            rows = leave(block, rows, mixed, layout)
        return cls(
            embedding_of,
            blocks[-layers:],
            grid,
            patches,
            reads,
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
    def block_effects(self) -> Tensor:
        """(L, E) what each block's attention output adds to x, to first order.

        Along the class token's own stream, the patches held as they are: what it read there itself.
        """
        with torch.no_grad():
            return push_embedding(self.pooled, self.moves, self.embedding_of)

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region: in the last block the class token reads it alone.

        Args:
            weights: (patches,) how much of each patch the region covers, 0 to 1.
        """
        block, row = self.blocks[-1], self.last_in[:1]
        with torch.no_grad(), exact(row):
            o = read_region(self.reads[-1], weights)[None]
            return self.embedding_of(block.finish(row.to(block.dtype), o.to(block.dtype)))[0]

    def pull(self, directions: Tensor) -> Tensor:
        """Channel weights w = d(direction . x)/do of the class token: (K, E) to (blocks, K, D)."""
        if len(self.reads) == 1:
            return self._pull_tail(directions)[None]
        with torch.enable_grad():
            x, moves = self._graph()
            rows = [torch.autograd.grad(x, moves, d, retain_graph=True) for d in directions]
        return torch.stack([torch.stack(w) for w in zip(*rows, strict=True)])

    def pull_features(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """The last block's input (1 + patches, D), and gradients (K, 1 + patches, D) of direction . x."""
        block, heads = self.blocks[-1], self.reads[-1].heads
        with torch.enable_grad():
            tokens = self.last_in.detach().requires_grad_()
            bias = block.bias
            bias = None if bias is None else bias[:, :1]
            o = attend(block.query(tokens[:1]), *block.keys_values(tokens), heads, bias)
            x = self.embedding_of(block.finish(tokens[:1], o))[0]
            rows = [torch.autograd.grad(x, tokens, d, retain_graph=True)[0] for d in directions]
        return self.last_in, torch.stack(rows)

    def _pull_tail(self, directions: Tensor) -> Tensor:
        """At the last block only the class token's own row leads to x."""
        block = self.blocks[-1]
        with torch.enable_grad(), exact(directions):
            o = self.reads[-1].o[None].detach().to(block.dtype).requires_grad_()
            out = block.finish(self.last_in[:1].detach().to(block.dtype), o)
            x = self.embedding_of(out)
            (w,) = torch.autograd.grad(x, o, directions[:, None], is_grads_batched=True)
        return w[:, 0]

    def _graph(self) -> tuple[Tensor, list[Tensor]]:
        """The embedding x over the explained blocks, and zeros added to what the class token reads.

        Between them the patches read the class token too, so the whole blocks are in the graph.
        """
        x, moves = self.tokens_in.detach(), []
        for block, read in zip(self.blocks, self.reads, strict=True):
            o = attend(*block.qkv(x), read.heads, block.bias)
            moves.append(torch.zeros_like(o[0]).requires_grad_())
            x = block.finish(x, torch.cat([o[:1] + moves[-1], o[1:]]))
        return self.embedding_of(x[0]), moves


def _attend(
    block: Attends, rows: Tensor, count: int, patches: slice, heads: int, last: bool
) -> tuple[Tensor, Read]:
    """Attention output of the tokens, or of the class token alone, and of its directions below."""
    layout, queries = Layout(count, 0), 1 if last else count
    if last:
        k, v = block.keys_values(rows, layout)
        q = block.query(torch.cat([rows[:1], rows[count:]]), Layout(1, 0))
    else:
        q, k, v = block.qkv(rows, layout)
    bias = block.bias
    own = None if bias is None else bias[:, 0].clone()  # not to keep all of it alive
    bias = None if bias is None else bias[:, :queries]
    o = attend(q[:queries], k[:count], v[:count], heads, bias)
    read = Read(q[0], k[:count], v[:count], o[0], heads, count, patches, bias=own)
    if len(rows) > count:
        moves = attend_moves(read, 0, q[queries:], k[count:], v[count:])
        o = torch.cat([o, moves])
    return o, read
