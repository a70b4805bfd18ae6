"""Bidirectional text towers, with padding in view (SigLIP), and those with an appended class token (CoCa)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, attend, attend_composite, no_autocast
from ..blocks.base import AttentionBlock, propagate_tangents
from ..blocks.forward_mode import embedding_jvp, jvp
from ..blocks.open_clip import OpenClipBlock
from ..blocks.transformer import RowPooling, Transformer
from ..tokenizers.base import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions
from .base import TextTower, TextTrace, text_embedding

_ROWS = 512  # tokens that are run at once, to limit memory for captions of many words
_TANGENTS = (
    16  # tangents that are propagated through all tokens at once, to limit memory for long captions
)


class BidirectionalTextTower(TextTower):
    """open_clip's text transformer with any attention mask and any pooled token.

    The pooled token is the first, the last, EOT, or an appended class token. If other tokens attend to it,
    they carry its values in the explained blocks to later blocks. Tangents then propagate through all tokens,
    so that derivatives are exact.
    """

    family = "bidirectional text transformer, or one with an appended class token"
    has_transformer = True
    default_text_layers = 2  # each further block costs a pass for every token

    def __init__(self, model: Any) -> None:
        text = getattr(model, "text", model)
        if not hasattr(text, "transformer") or not hasattr(text, "token_embedding"):
            raise TypeError("it is not open_clip's own text transformer")
        self.pooling = getattr(text, "pool_type", None) or getattr(text, "text_pool_type", "argmax")
        if self.pooling not in ("first", "last", "argmax", "eos"):
            raise TypeError(f"it pools its tokens by {self.pooling!r}")
        self.text: Any = text
        self.token_embedding: nn.Module = text.token_embedding
        self.class_token = getattr(text, "cls_emb", None)
        self.blocks: Sequence[AttentionBlock] = [
            OpenClipBlock.of(b) for b in text.transformer.resblocks
        ]
        self.depth = len(self.blocks)
        if text.attn_mask is not None:
            self.default_text_layers = 8
        positions = int(text.positional_embedding.shape[0])
        self.context_length = positions - (self.class_token is not None)

    def _run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens,
        tangent_fn: TangentFn | None,
    ) -> tuple[Tensor, BidirectionalTextTrace]:
        device, length = next(self.text.parameters()).device, self.context_length
        rows = [[*ids, *[special_tokens.pad] * (length - len(ids))] for ids in sequences]
        batches = torch.tensor(rows, device=device).split(max(1, _ROWS // length))
        embeddings, trace = [], None
        for ids in batches:
            entered, mask, pooled, columns = self._embed(ids, max(map(len, sequences)))
            if trace is None:
                appended = self.class_token is not None
                first = RowOrder.of(
                    columns, mask[0], int(pooled[0]), len(sequences[0]), special_tokens, appended
                )
                steps, x = self._trace_blocks(entered[:1], mask[:1], first, layers)
                trace = BidirectionalTextTrace(
                    self.embedding_of, steps, first, mask[0], x[first.pooled]
                )
                embeddings.append(self.embedding_of(x[None, first.pooled]))
                entered, mask, pooled = entered[1:], mask[1:], pooled[1:]
            if len(entered):
                embeddings.append(self._embeddings(entered, mask, pooled))
        assert trace is not None
        return torch.cat(embeddings), trace

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L); autograd can differentiate it."""
        length = ids.shape[1]
        ids = F.pad(ids, (0, self.context_length - length), value=special_tokens.pad)
        entered, mask, pooled, _ = self._embed(ids, length)
        return self._embeddings(entered, mask, pooled)

    def _embeddings(self, x: Tensor, mask: Tensor, pooled: Tensor) -> Tensor:
        """Return unit embeddings (B, E) of tokens (B, L, D), of which those in rows (B,) are pooled."""
        for block in self.blocks:
            o = attend(*block.qkv(x), block.heads, mask[:, None])
            x = block.forward_from_attention(x, o)
        return self.embedding_of(x[torch.arange(len(x), device=x.device), pooled])

    def transformer(
        self, ids: Sequence[int], special_tokens: SpecialTokens = SOT_EOT
    ) -> Transformer:
        """Return all blocks, with the rows of one caption and of the padding that the model attends to."""
        padded = [*ids, *[special_tokens.pad] * (self.context_length - len(ids))]
        rows = torch.tensor([padded], device=next(self.text.parameters()).device)
        x, mask, pooled, columns = self._embed(rows, len(ids))
        inside = special_tokens.caption_slice(len(ids))
        explained = ((columns >= inside.start) & (columns < inside.stop)).nonzero()[:, 0]
        pooling = RowPooling(int(pooled[0]), self.embedding_of)
        return Transformer(self.blocks, x[0], explained, pooling, mask[0])

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of pooled tokens (..., D) leaving the last block."""
        return text_embedding(self.text, pooled.to(self.blocks[-1].dtype))

    def _embed(self, ids: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embed captions for the first block.

        Args:
            ids: padded token ids (B, context length).
            longest: number of tokens of the longest caption.

        Returns:
            Tokens (B, L, D), the attention mask (B, L, L), the row of the pooled token (B,), and the position
            (L,) of each column. Padding that is masked in the whole batch is left out.
        """
        text, (count, length) = self.text, ids.shape
        x = self.token_embedding(ids)
        visible = torch.ones(count, length, dtype=torch.bool, device=ids.device)
        if getattr(text, "use_pad_mask", False) or self.class_token is not None:
            visible = ids != text.pad_id
        if self.class_token is not None:
            x = torch.cat([x, self.class_token.to(x.dtype).expand(count, 1, -1)], 1)
            always = visible.new_ones(count, 1)
            # CoCa's released weights were trained with this mask shifted by one position, and need it.
            is_correct = getattr(text, "correct_cls_mask", False)
            visible = torch.cat([visible, always] if is_correct else [always, visible], 1)
        x = (x + text.positional_embedding[: x.shape[1]]).to(self.blocks[0].dtype)
        mask = visible[:, None].expand(-1, x.shape[1], -1)
        if text.attn_mask is not None:
            mask = mask.tril()
        return drop_hidden_columns(x, visible, mask, self._pooled(ids, x.shape[1]), longest)

    def _pooled(self, ids: Tensor, length: int) -> Tensor:
        """Return the position (B,) of the pooled token of each caption."""
        if self.class_token is not None or self.pooling == "last":
            return torch.full_like(ids[:, 0], length - 1)
        if self.pooling == "first":
            return torch.zeros_like(ids[:, 0])
        if self.pooling == "argmax":
            return ids.argmax(-1)
        eos: int = getattr(self.text, "eos_id", None) or self.text.text_eos_id
        return ids.eq(eos).int().argmax(-1)

    def _trace_blocks(
        self, x: Tensor, mask: Tensor, layout: RowOrder, layers: int
    ) -> tuple[list[TracedBlock], Tensor]:
        """Run one caption (1, L, D); return every block's trace, and the tokens (L, D) leaving the last."""
        steps, p = [], layout.pooled
        for number, block in enumerate(self.blocks):
            q, k, v = block.qkv(x)
            o = attend(q, k, v, block.heads, mask[:, None])
            attention = PooledAttention(
                q[0, p],
                layout.arranged(k[0]),
                layout.arranged(v[0]),
                o[0, p],
                block.heads,
                layout.visible,
                layout.tokens,
                layout.padding,
            )
            explained = number >= self.depth - layers
            steps.append(
                TracedBlock(block, x[0].to(block.dtype), attention.cast(block.dtype), explained)
            )
            x = block.forward_from_attention(x, o)
        return steps, x[0]


def drop_hidden_columns(
    x: Tensor, visible: Tensor, mask: Tensor, pooled: Tensor, longest: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Remove the positions of a batch that are masked padding in every caption.

    Args:
        x: tokens (B, L, D).
        visible: positions that are not masked (B, L).
        mask: attention mask (B, L, L), true where a token may attend.
        pooled: position of the pooled token of each caption (B,).
        longest: number of tokens of the longest caption.

    Returns:
        Tokens, mask and pooled positions without those columns, and the positions (L',) that are left.
    """
    used = visible.any(0)
    used[pooled] = True
    used[:longest] = True  # a caption's token may have the padding id, and be masked
    columns = used.nonzero()[:, 0]
    mask = mask[:, columns][:, :, columns]
    return x[:, columns], mask, used.cumsum(0)[pooled] - 1, columns


@dataclass(frozen=True, eq=False)
class RowOrder:
    """How the rows of one caption are ordered for a `PooledAttention`.

    Attributes:
        order: rows (L,) of the tower: tokens that the pooled one attends to, then padding that it attends to,
            then the others.
        tokens: places (T,) of the caption's tokens in that order, without special ones.
        visible: number of rows that the pooled token attends to.
        padding: how many of them are padding.
        pooled: row of the pooled token in the tower.
        pooled_place: its place in that order; ``None`` if it does not attend to itself.
    """

    order: Tensor
    tokens: Tensor
    visible: int
    padding: int
    pooled: int
    pooled_place: int | None

    @classmethod
    def of(
        cls,
        columns: Tensor,
        mask: Tensor,
        pooled: int,
        length: int,
        special_tokens: SpecialTokens,
        appended: bool,
    ) -> RowOrder:
        """Order the rows of a caption.

        Args:
            columns: position of each row (L,); those from ``length`` on are padding.
            mask: attention mask (L, L), true where a token may attend.
            pooled: row of the pooled token.
            length: number of the caption's tokens, including special ones.
            special_tokens: which of them are special.
            appended: whether the pooled token is an appended class token, which is not padding.
        """
        rows = torch.arange(len(columns), device=columns.device)
        visible = mask[pooled]
        pads = columns >= length
        if appended:
            pads = pads & (rows != pooled)
        groups = [rows[visible & ~pads], rows[visible & pads], rows[~visible]]
        order = torch.cat(groups)
        place = order.argsort()
        inside = special_tokens.caption_slice(length)
        is_inside = (columns >= inside.start) & (columns < inside.stop)
        return cls(
            order,
            place[is_inside],
            int(visible.sum()),
            len(groups[1]),
            pooled,
            int(place[pooled]) if visible[pooled] else None,
        )

    def arranged(self, rows: Tensor) -> Tensor:
        """Return rows (L, D) in that order, zero if the pooled token does not attend to them."""
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

    Tangents of the pooled token reach other tokens in the next block, and return from them in the block after
    that. So over up to two blocks they propagate along the pooled token's own row; over more blocks, if other
    tokens attend to it, through all tokens.

    Attributes:
        embedding_of: the tail, a function from pooled tokens (..., D) to unit embeddings (..., E).
        steps: all blocks of the tower.
        layout: the order of the rows.
        mask: attention mask (L, L), true where a token may attend.
        pooled: the pooled token (D,) leaving the last block.
    """

    embedding_of: Callable[[Tensor], Tensor]
    steps: list[TracedBlock]
    layout: RowOrder
    mask: Tensor
    pooled: Tensor

    @cached_property
    def embedding(self) -> Tensor:
        """Unit text embedding t (E,)."""
        with torch.no_grad():
            return self.embedding_of(self.pooled)

    @cached_property
    def attentions(self) -> list[PooledAttention]:
        """Attention of the pooled token in each explained block, lowest block first."""
        return [step.attention for step in self.steps if step.explained]

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E), what each block's attention output adds to t, to first order.

        Each is propagated along the pooled token's own row; the other tokens are constant.
        """
        tangents = self.pooled.new_zeros(0, len(self.pooled))
        with torch.no_grad():
            for step in self.steps:
                x = step.x[self.layout.pooled]
                tangents = propagate_tangents(
                    step.block, x, step.attention, tangents, None, self.layout.pooled_place
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
        # There are no parts if the tower reads no token of the caption.
        leaving = torch.cat(parts) if parts else self.pooled.new_zeros(0, len(self.pooled))
        return TangentAttributions.of(leaving, self.pooled, self.embedding_of)

    def _propagate_along_pooled(
        self, steps: Sequence[TracedBlock], attention_tangents: Sequence[Tensor]
    ) -> Tensor:
        """Return tangents (K, D) of the pooled token; all other tokens are constant."""
        tangents = attention_tangents[0].new_zeros(len(attention_tangents[0]), len(self.pooled))
        for step, added in zip(steps, attention_tangents, strict=True):
            x, place = step.x[self.layout.pooled], self.layout.pooled_place
            tangents = propagate_tangents(step.block, x, step.attention, tangents, added, place)[
                :-1
            ]
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
        """Run a block on tokens (L, D), with ``added`` (D,) added to the pooled one's attention output."""
        block = step.block
        hot = F.one_hot(torch.tensor(self.layout.pooled, device=x.device), len(x))[:, None]
        o = attend_composite(*block.qkv(x), block.heads, self.mask) + hot * added
        return block.forward_from_attention(x[rows], o[rows])
