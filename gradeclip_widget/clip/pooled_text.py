"""Text transformers that read both ways, padding and all, or append a class token: SigLIP, CoCa."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .blocks import Attends, Block, Read, carry, exact, text_embedding
from .directions import push, push_embedding
from .towers import SOT_EOT, Frame, Moves

_ROWS = 512  # tokens run at once: bounds memory where a caption has many words to leave out
_DIRECTIONS = 16  # pushed at once through whole blocks, for the same reason


class PooledTextTower:
    """open_clip's text transformer under any mask, pooling its first, last, EOT or appended class token.

    Where tokens read each other both ways, others read what the pooled one became, and hand it on: then
    derivatives run through all tokens of the explained blocks, and are exact all the same.
    """

    family = "text transformer that reads both ways or appends a class token"
    has_query = True
    in_reference = ends_at_eot = False
    usual_layers = 2  # further ones cost a pass for every token, where others read the pooled one

    def __init__(self, model: Any) -> None:
        """View the text side of an open_clip model.

        Raises:
            TypeError: its text tower is of another family.
        """
        text = getattr(model, "text", model)
        if not hasattr(text, "transformer") or not hasattr(text, "token_embedding"):
            raise TypeError("it is not open_clip's own text transformer")
        self.pooling = getattr(text, "pool_type", None) or getattr(text, "text_pool_type", "argmax")
        if self.pooling not in ("first", "last", "argmax", "eos"):
            raise TypeError(f"it pools its tokens by {self.pooling!r}")
        self.text: Any = text
        self.class_token = getattr(text, "cls_emb", None)
        self.blocks: Sequence[Attends] = [Block.of(b) for b in text.transformer.resblocks]
        self.depth = len(self.blocks)
        if text.attn_mask is not None:
            self.usual_layers = 8
        positions = int(text.positional_embedding.shape[0])
        self.context_length = positions - (self.class_token is not None)

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        frame: Frame = SOT_EOT,
        moves: Moves | None = None,
    ) -> tuple[Tensor, PooledTextTrace]:
        """Encode many captions at once and trace the first.

        Args:
            sequences: framed token ids of each, no padding.
            layers: how many of the last blocks to explain, at most those there are; 0 for none.
            frame: which of the tokens are the caption's own, and what pads them.
            moves: taken for the protocol's sake: they would move all tokens here, so they are pushed later.

        Returns:
            Unit embeddings (K, E), and the trace of the first sequence.
        """
        device, length = next(self.text.parameters()).device, self.context_length
        rows = [[*ids, *[frame.pad] * (length - len(ids))] for ids in sequences]
        batches = torch.tensor(rows, device=device).split(max(1, _ROWS // length))
        embeddings, trace = [], None
        for ids in batches:
            entered, mask, pooled, columns = self._embed(ids, max(map(len, sequences)))
            if trace is None:
                appended = self.class_token is not None
                first = _Layout.of(
                    columns, mask[0], int(pooled[0]), len(sequences[0]), frame, appended
                )
                steps, x = self._trace(entered[:1], mask[:1], first, layers)
                trace = PooledTextTrace(self, steps, first, mask[0], x[first.pooled])
                embeddings.append(self.embedding_of(x[None, first.pooled]))
                entered, mask, pooled = entered[1:], mask[1:], pooled[1:]
            if len(entered):
                x = entered
                for block in self.blocks:
                    x = block.finish(x, _attend(*block.qkv(x), block.heads, mask))
                each = torch.arange(len(x), device=device)
                embeddings.append(self.embedding_of(x[each, pooled]))
        assert trace is not None
        return torch.cat(embeddings), trace

    def trace(self, ids: Sequence[int], layers: int, single_head: bool = False) -> PooledTextTrace:
        """Trace one caption.

        Raises:
            ValueError: a single head is asked for.
        """
        if single_head:
            raise ValueError("the authors' code knows causal text transformers pooled at EOT only")
        return self.run([ids], layers)[1]

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of pooled tokens (..., D) leaving the last block."""
        return text_embedding(self.text, pooled.to(self.blocks[-1].dtype))

    def _embed(self, ids: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What enters the first block.

        Args:
            ids: padded token ids (B, context length).
            longest: how many tokens the longest caption has.

        Returns:
            Tokens (B, L, D), what each sees (B, L, L), which is pooled (B,), and the positions (L,) that they
            stand for: padding that no token of the batch sees is left out.
        """
        text, (count, length) = self.text, ids.shape
        x = text.token_embedding(ids)
        seen = torch.ones(count, length, dtype=torch.bool, device=ids.device)
        if getattr(text, "use_pad_mask", False) or self.class_token is not None:
            seen = ids != text.pad_id
        if self.class_token is not None:
            x = torch.cat([x, self.class_token.to(x.dtype).expand(count, 1, -1)], 1)
            always = seen.new_ones(count, 1)
            # The released weights were trained with this mask one place off, and are run so.
            right = getattr(text, "correct_cls_mask", False)
            seen = torch.cat([seen, always] if right else [always, seen], 1)
        x = (x + text.positional_embedding[: x.shape[1]]).to(self.blocks[0].dtype)
        mask = seen[:, None].expand(-1, x.shape[1], -1)
        if text.attn_mask is not None:
            mask = mask.tril()
        return seen_alone(x, seen, mask, self._pooled(ids, x.shape[1]), longest)

    def _pooled(self, ids: Tensor, length: int) -> Tensor:
        """Position (B,) of the token that each sequence is pooled at."""
        if self.class_token is not None or self.pooling == "last":
            return torch.full_like(ids[:, 0], length - 1)
        if self.pooling == "first":
            return torch.zeros_like(ids[:, 0])
        if self.pooling == "argmax":
            return ids.argmax(-1)
        eos: int = getattr(self.text, "eos_id", None) or self.text.text_eos_id
        return ids.eq(eos).int().argmax(-1)

    def _trace(
        self, x: Tensor, mask: Tensor, layout: _Layout, layers: int
    ) -> tuple[list[_Step], Tensor]:
        """Run one caption (1, L, D); what its pooled token read in each block, and the tokens (L, D)."""
        steps, p = [], layout.pooled
        for number, block in enumerate(self.blocks):
            q, k, v = block.qkv(x)
            o = _attend(q, k, v, block.heads, mask)
            read = Read(
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
            steps.append(_Step(block, x[0].to(block.dtype), read.cast(block.dtype), explained))
            x = block.finish(x, o)
        return steps, x[0]


def seen_alone(
    x: Tensor, seen: Tensor, mask: Tensor, pooled: Tensor, longest: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch of token rows without the positions that are padding in all of them and hidden besides.

    Args:
        x: tokens (B, L, D).
        seen: positions that are not hidden (B, L).
        mask: what each token sees (B, L, L).
        pooled: position of the pooled token of each (B,).
        longest: how many tokens the longest caption has.

    Returns:
        The same tokens, mask and pooled positions with columns left out, and the positions (L',) kept.
    """
    used = seen.any(0)
    used[pooled] = True
    used[:longest] = True  # a caption's own token may be taken for padding, and hidden
    columns = used.nonzero()[:, 0]
    mask = mask[:, columns][:, :, columns]
    return x[:, columns], mask, used.cumsum(0)[pooled] - 1, columns


@dataclass(frozen=True, eq=False)
class _Layout:
    """One caption's rows as a `Read` orders them: real ones that are seen, padding that is seen, the rest."""

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
        frame: Frame,
        appended: bool,
    ) -> _Layout:
        """Of rows that stand for positions, the first ``length`` of which hold framed tokens.

        Args:
            columns: position of each row (L,).
            mask: what each row sees (L, L).
            pooled: the pooled row.
            length: how many tokens the caption has in its frame.
            frame: which of them are its own.
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
        own = (columns >= frame.lead) & (columns < length - frame.tail)
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
class _Step:
    block: Attends
    x: Tensor  # (L, D) tokens entering the block
    read: Read
    explained: bool


@dataclass(eq=False)
class PooledTextTrace:
    """What a caption's pooled token read, block by block."""

    tower: PooledTextTower
    carried: ClassVar[None] = None
    steps: list[_Step]
    layout: _Layout
    mask: Tensor  # (L, L)
    pooled: Tensor  # (D,) the pooled token leaving the last block

    @cached_property
    def embedding(self) -> Tensor:
        """(E,) unit text embedding t."""
        with torch.no_grad():
            return self.tower.embedding_of(self.pooled)

    @property
    def reads(self) -> list[Read]:
        """Reads of the explained blocks, shallowest first."""
        return [step.read for step in self.steps if step.explained]

    @cached_property
    def block_effects(self) -> Tensor:
        """(L, E) what each block's attention output adds to t, to first order.

        Along the pooled token's own stream, the others held as they are: what it read there itself.
        """
        moves = self.pooled.new_zeros(0, len(self.pooled))
        with torch.no_grad():
            for step in self.steps:
                x = step.x[self.layout.pooled]
                moves = carry(step.block, x, step.read, moves, None, self.layout.own)
            return push_embedding(self.pooled.to(moves), moves, self.tower.embedding_of)

    @torch.no_grad()
    def push(self, at_o: Sequence[Tensor]) -> Tensor:
        """Sum over the explained blocks of J_l a_l: a_l (K, D) per block, to (K, E)."""
        steps = [step for step in self.steps if step.explained]
        unread = self.mask[:, self.layout.pooled].clone()
        unread[self.layout.pooled] = False
        # Others read it in the block after it moved at the earliest, and hand that on in the one after.
        through = unread.any() and len(steps) > 2
        pushed = self._push_through if through else self._push_along
        groups = zip(*(a.split(_DIRECTIONS) for a in at_o), strict=True)
        moves = [pushed(steps, group) for group in groups]
        if not moves:  # a caption with none of its tokens read
            return self.embedding.new_zeros(0, len(self.embedding))
        moved = torch.cat(moves)
        return push_embedding(self.pooled.to(moved), moved, self.tower.embedding_of)

    def _push_along(self, steps: Sequence[_Step], at_o: Sequence[Tensor]) -> Tensor:
        """Nobody hands on what they read of the pooled token, so its own row is all that moves."""
        moves = at_o[0].new_zeros(len(at_o[0]), len(self.pooled))
        for step, added in zip(steps, at_o, strict=True):
            x = step.x[self.layout.pooled]
            moves = carry(step.block, x, step.read, moves, added, self.layout.own)[:-1]
        return moves

    def _push_through(self, steps: Sequence[_Step], at_o: Sequence[Tensor]) -> Tensor:
        """Others read it, so all tokens move once its own row has, in the first block.

        What they move from is computed once for all directions.
        """
        p = self.layout.pooled
        moves = steps[0].x.new_zeros(len(at_o[0]), *steps[0].x.shape)
        moves[:, p] = self._push_along(steps[:1], at_o[:1])
        for step, added in zip(steps[1:], at_o[1:], strict=True):
            rows = slice(p, p + 1) if step is steps[-1] else slice(None)
            leave = functools.partial(self._leave, step, rows)
            still = torch.zeros_like(step.read.o)
            with exact(added):
                moves = push(leave, (step.x, still), (moves, added.to(still)))
        return moves[:, 0]

    def _leave(self, step: _Step, rows: slice, x: Tensor, added: Tensor) -> Tensor:
        """Rows of tokens (L, D) leaving a block, with something added to what the pooled one reads."""
        block = step.block
        hot = F.one_hot(torch.tensor(self.layout.pooled, device=x.device), len(x))[:, None]
        o = _attend_plainly(*block.qkv(x), block.heads, self.mask) + hot * added
        return block.finish(x[rows], o[rows])


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Multi-head attention of batches (B, L, D) under masks (B, L, L), true where seen."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(1, 2) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
    return o.transpose(1, 2).flatten(2)


def _attend_plainly(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Attention of rows (L, D) under a mask (L, L), in operations that carry derivatives along."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(0, 1) for a in (q, k, v))
    logits = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    o: Tensor = (logits.softmax(-1) @ v).transpose(0, 1).flatten(1)
    return o
