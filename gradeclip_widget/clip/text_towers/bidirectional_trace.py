"""One caption's pass through a bidirectional text tower."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..blocks.attention import PooledAttention, attend_composite, no_autocast
from ..blocks.base import AttentionBlock
from ..blocks.forward_mode import embedding_jvp, jvp
from ..blocks.propagate import propagate_tangents
from ..tokenizers.special_tokens import SpecialTokens
from .attributions import TangentAttributions
from .base import TextTrace

_TANGENTS = 16  # propagated at once through all tokens: bounds memory where a caption is long


@dataclass(frozen=True, eq=False)
class RowLayout:
    """How the rows of one caption are ordered for a `PooledAttention`.

    Attributes:
        order: rows (L,) of the tower: tokens visible to the pooled one, then visible padding, then the rest.
        tokens: places (T,) of the caption's own tokens in that order.
        visible: number of visible rows.
        padding: how many of them are padding.
        pooled: row of the pooled token in the tower.
        own: its place in that order; ``None`` where it does not see itself.
    """

    order: Tensor
    tokens: Tensor
    visible: int
    padding: int
    pooled: int
    own: int | None

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
        """Order the rows of a caption.

        Args:
            columns: position of each row (L,); those from ``length`` on are padding.
            mask: attention mask (L, L), true where a token may attend.
            pooled: row of the pooled token.
            length: number of the caption's tokens, special ones included.
            special_tokens: which of them are not its own.
            appended: whether the pooled token is an appended class token, which is no padding.
        """
        rows = torch.arange(len(columns), device=columns.device)
        visible = mask[pooled]
        pads = columns >= length
        if appended:
            pads = pads & (rows != pooled)
        groups = [rows[visible & ~pads], rows[visible & pads], rows[~visible]]
        order = torch.cat(groups)
        place = order.argsort()
        own = special_tokens.own(length)
        is_own = (columns >= own.start) & (columns < own.stop)
        return cls(
            order,
            place[is_own],
            int(visible.sum()),
            len(groups[1]),
            pooled,
            int(place[pooled]) if visible[pooled] else None,
        )

    def arranged(self, rows: Tensor) -> Tensor:
        """Return rows (L, D) in that order, with zeros for those that the pooled token does not see."""
        rows = rows[self.order]
        rows[self.visible :] = 0
        return rows


@dataclass(frozen=True, eq=False)
class TracedBlock:
    """One block of a caption's pass.

    Attributes:
        block: the block.
        x: tokens (L, D) entering it.
        attention: of the pooled token there.
        explained: whether it is one of the explained blocks.
    """

    block: AttentionBlock
    x: Tensor
    attention: PooledAttention
    explained: bool


@dataclass(eq=False)
class BidirectionalTextTrace(TextTrace):
    """One caption's pass through a text tower, block by block.

    Tangents of the pooled token reach other tokens in the block after, and come back from them in the one
    after that. So over up to two blocks they propagate along the pooled token's own row; over more, if other
    tokens attend to it, through all tokens.

    Attributes:
        embedding_of: the tail, from pooled tokens (..., D) to unit embeddings (..., E).
        steps: all blocks of the tower.
        layout: the order of the rows.
        mask: attention mask (L, L), true where a token may attend.
        pooled: the pooled token (D,) leaving the last block.
    """

    embedding_of: Callable[[Tensor], Tensor]
    steps: list[TracedBlock]
    layout: RowLayout
    mask: Tensor
    pooled: Tensor

    @cached_property
    def embedding(self) -> Tensor:
        """Unit text embedding t (E,)."""
        with torch.no_grad():
            return self.embedding_of(self.pooled)

    @cached_property
    def attentions(self) -> list[PooledAttention]:
        """Attention of the pooled token in each explained block, shallowest first."""
        return [step.attention for step in self.steps if step.explained]

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E), what each block's attention output adds to t, to first order.

        Each is followed along the pooled token's own row, with the other tokens held fixed.
        """
        tangents = self.pooled.new_zeros(0, len(self.pooled))
        with torch.no_grad():
            for step in self.steps:
                x = step.x[self.layout.pooled]
                tangents = propagate_tangents(
                    step.block, x, step.attention, tangents, None, self.layout.own
                )
            return embedding_jvp(self.pooled.to(tangents), tangents, self.embedding_of)

    @torch.no_grad()
    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return the sum over the explained blocks of J_l a_l, from tangents a_l (K, D) per block."""
        steps = [step for step in self.steps if step.explained]
        attended_by = self.mask[:, self.layout.pooled].clone()
        attended_by[self.layout.pooled] = False
        through = attended_by.any() and len(steps) > 2
        propagate = self._propagate_through_all if through else self._propagate_along_pooled
        groups = zip(*(a.split(_TANGENTS) for a in tangents), strict=True)
        parts = [propagate(steps, group) for group in groups]
        # There are none if the tower reads no token of the caption.
        leaving = torch.cat(parts) if parts else self.pooled.new_zeros(0, len(self.pooled))
        return TangentAttributions.of(leaving, self.pooled, self.embedding_of)

    def _propagate_along_pooled(
        self, steps: Sequence[TracedBlock], attention_tangents: Sequence[Tensor]
    ) -> Tensor:
        """Return tangents (K, D) of the pooled token, all other tokens held fixed."""
        tangents = attention_tangents[0].new_zeros(len(attention_tangents[0]), len(self.pooled))
        for step, added in zip(steps, attention_tangents, strict=True):
            x, own = step.x[self.layout.pooled], self.layout.own
            tangents = propagate_tangents(step.block, x, step.attention, tangents, added, own)[:-1]
        return tangents

    def _propagate_through_all(
        self, steps: Sequence[TracedBlock], attention_tangents: Sequence[Tensor]
    ) -> Tensor:
        """Return tangents (K, D) of the pooled token, from tangents of all tokens after the first block."""
        p = self.layout.pooled
        tangents = steps[0].x.new_zeros(len(attention_tangents[0]), *steps[0].x.shape)
        tangents[:, p] = self._propagate_along_pooled(steps[:1], attention_tangents[:1])
        for step, added in zip(steps[1:], attention_tangents[1:], strict=True):
            rows = slice(p, p + 1) if step is steps[-1] else slice(None)
            run = functools.partial(self._run_block, step, rows)
            zero = torch.zeros_like(step.attention.o)
            with no_autocast(added):
                tangents = jvp(run, (step.x, zero), (tangents, added.to(zero)))
        return tangents[:, 0]

    def _run_block(self, step: TracedBlock, rows: slice, x: Tensor, added: Tensor) -> Tensor:
        """Run a block on tokens (L, D), with ``added`` (D,) on the pooled one's attention output."""
        block = step.block
        hot = F.one_hot(torch.tensor(self.layout.pooled, device=x.device), len(x))[:, None]
        o = attend_composite(*block.qkv(x), block.heads, self.mask) + hot * added
        return block.forward_from_attention(x[rows], o[rows])
