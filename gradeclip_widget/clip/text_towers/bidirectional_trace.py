"""What the pooled token of a text transformer that reads both ways read, block by block."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..blocks.attention import PooledAttention, no_autocast
from ..blocks.base import AttentionBlock
from ..blocks.forward_mode import embedding_jvp, jvp
from ..blocks.propagate import propagate_tangents
from ..tokenizers.special_tokens import SpecialTokens
from .attributions import TangentAttributions

_DIRECTIONS = 16  # pushed at once through whole blocks: bounds memory where a caption is long


@dataclass(frozen=True, eq=False)
class RowLayout:
    """One caption's rows in the order of a `PooledAttention`: visible tokens, visible padding, the rest."""

    order: Tensor  # (L,)
    tokens: Tensor  # (T,) the caption's own, in that order
    visible: int
    padding: int
    pooled: int  # row of the pooled token among the tower's
    own: int | None  # and among those in order, where it sees itself

    @classmethod
    def of(
        cls,
        columns: Tensor,
        mask: Tensor,
        pooled: int,
        length: int,
        special_tokens: SpecialTokens,
        appended: bool,
    ) -> RowLayout:
        """Of rows that stand for positions, the first ``length`` of which hold framed tokens.

        Args:
            columns: position of each row (L,).
            mask: what each row sees (L, L).
            pooled: the pooled row.
            length: how many tokens the caption has in its frame.
            special_tokens: which of them are its own.
            appended: whether the pooled row is an appended class token, and no padding.
        """
        rows = torch.arange(len(columns), device=columns.device)
        seen = mask[pooled]
        pads = columns >= length
        if appended:
            pads = pads & (rows != pooled)
        groups = [rows[seen & ~pads], rows[seen & pads], rows[~seen]]
        order = torch.cat(groups)
        place = order.argsort()
        own = (columns >= special_tokens.leading) & (columns < length - special_tokens.trailing)
        return cls(
            order,
            place[own],
            int(seen.sum()),
            len(groups[1]),
            pooled,
            int(place[pooled]) if seen[pooled] else None,
        )

    def arranged(self, rows: Tensor) -> Tensor:
        """Rows (L, D) in order; those that the pooled token does not see count for nothing."""
        rows = rows[self.order]
        rows[self.visible :] = 0
        return rows


@dataclass(frozen=True, eq=False)
class TracedBlock:
    """One block, and what entered it and was read there."""

    block: AttentionBlock
    x: Tensor  # (L, D) tokens entering the block
    attention: PooledAttention
    explained: bool


@dataclass(eq=False)
class BidirectionalTextTrace:
    """What a caption's pooled token read, block by block."""

    embedding_of: Callable[[Tensor], Tensor]  # pooled tokens (..., D) to unit embeddings (..., E)
    propagated: ClassVar[None] = None
    steps: list[TracedBlock]
    layout: RowLayout
    mask: Tensor  # (L, L)
    pooled: Tensor  # (D,) the pooled token leaving the last block

    @cached_property
    def embedding(self) -> Tensor:
        """(E,) unit text embedding t."""
        with torch.no_grad():
            return self.embedding_of(self.pooled)

    @property
    def attentions(self) -> list[PooledAttention]:
        """Reads of the explained blocks, shallowest first."""
        return [step.attention for step in self.steps if step.explained]

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E) what each block's attention output adds to t, to first order.

        Along the pooled token's own stream, the others held as they are: what it read there itself.
        """
        moves = self.pooled.new_zeros(0, len(self.pooled))
        with torch.no_grad():
            for step in self.steps:
                x = step.x[self.layout.pooled]
                moves = propagate_tangents(
                    step.block, x, step.attention, moves, None, self.layout.own
                )
            return embedding_jvp(self.pooled.to(moves), moves, self.embedding_of)

    @torch.no_grad()
    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return the sum over the explained blocks of J_l a_l, from a_l (K, D) per block."""
        steps = [step for step in self.steps if step.explained]
        unread = self.mask[:, self.layout.pooled].clone()
        unread[self.layout.pooled] = False
        # Others read it in the block after it moved at the earliest, and hand that on in the one after.
        through = unread.any() and len(steps) > 2
        pushed = self._push_through if through else self._push_along
        groups = zip(*(a.split(_DIRECTIONS) for a in tangents), strict=True)
        moves = [pushed(steps, group) for group in groups]
        # A caption may have no token that is read.
        pooled = torch.cat(moves) if moves else self.pooled.new_zeros(0, len(self.pooled))
        return TangentAttributions.of(pooled, self.pooled, self.embedding_of)

    def _push_along(self, steps: Sequence[TracedBlock], tangents: Sequence[Tensor]) -> Tensor:
        """Nobody hands on what they read of the pooled token, so its own row is all that moves."""
        moves = tangents[0].new_zeros(len(tangents[0]), len(self.pooled))
        for step, added in zip(steps, tangents, strict=True):
            x = step.x[self.layout.pooled]
            moves = propagate_tangents(
                step.block, x, step.attention, moves, added, self.layout.own
            )[:-1]
        return moves

    def _push_through(self, steps: Sequence[TracedBlock], tangents: Sequence[Tensor]) -> Tensor:
        """Others read it, so all tokens move once its own row has, in the first block.

        What they move from is computed once for all directions.
        """
        p = self.layout.pooled
        moves = steps[0].x.new_zeros(len(tangents[0]), *steps[0].x.shape)
        moves[:, p] = self._push_along(steps[:1], tangents[:1])
        for step, added in zip(steps[1:], tangents[1:], strict=True):
            rows = slice(p, p + 1) if step is steps[-1] else slice(None)
            leave = functools.partial(self._leave, step, rows)
            still = torch.zeros_like(step.attention.o)
            with no_autocast(added):
                moves = jvp(leave, (step.x, still), (moves, added.to(still)))
        return moves[:, 0]

    def _leave(self, step: TracedBlock, rows: slice, x: Tensor, added: Tensor) -> Tensor:
        """Rows of tokens (L, D) leaving a block, with something added to what the pooled one reads."""
        block = step.block
        hot = F.one_hot(torch.tensor(self.layout.pooled, device=x.device), len(x))[:, None]
        o = _attend_plainly(*block.qkv(x), block.heads, self.mask) + hot * added
        return block.forward_from_attention(x[rows], o[rows])


def _attend_plainly(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Attention of rows (L, D) under a mask (L, L), in operations that carry derivatives along."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(0, 1) for a in (q, k, v))
    logits = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    o: Tensor = (logits.softmax(-1) @ v).transpose(0, 1).flatten(1)
    return o
