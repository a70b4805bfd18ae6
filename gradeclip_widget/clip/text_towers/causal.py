"""Causal text towers pooled at EOT: open_clip's own text transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..blocks.attention import Moves, Read, attend, attend_batch, attend_moves
from ..blocks.forward_mode import Layout, push_embedding
from ..blocks.open_clip import Block
from ..blocks.propagate import carry, leave_with_effect
from ..tokenizers.frame import SOT_EOT, Frame
from .base import text_embedding
from .shares import TangentShares

_PACK = 512  # tokens run at once: bounds the attention mask for very long captions


class CausalTextTower:
    """open_clip's text transformer, causal, its EOT token pooled.

    A token sees only what stands before it, so captions that begin alike share that beginning: all
    sequences are packed into one trie and every distinct prefix is computed once, without padding.
    """

    family = "causal text transformer pooled at EOT"
    has_query = in_reference = ends_at_eot = True
    usual_layers = 8  # as the authors do

    def __init__(self, model: Any) -> None:
        """View the text side of an open_clip model.

        Raises:
            TypeError: its text tower is of another family.
        """
        text = getattr(model, "text", model)
        if not hasattr(text, "transformer") or not hasattr(text, "token_embedding"):
            raise TypeError("it is not open_clip's own text transformer")
        pooling = getattr(text, "pool_type", None) or getattr(text, "text_pool_type", "argmax")
        if text.attn_mask is None or pooling not in ("argmax", "eos"):
            raise TypeError(f"it is not causal with EOT pooled, but pools {pooling!r}")
        if getattr(text, "cls_emb", None) is not None:
            raise TypeError("it pools an appended class token")
        self.text = text
        self.token_embedding = text.token_embedding
        self.blocks = [Block.of(b) for b in text.transformer.resblocks]
        self.depth = len(self.blocks)
        self.context_length = int(text.positional_embedding.shape[0])

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        frame: Frame = SOT_EOT,
        moves: Moves | None = None,
    ) -> tuple[Tensor, CausalTextTrace]:
        """Encode many captions at once and trace the first.

        Args:
            sequences: token ids of each, SOT to EOT, no padding.
            layers: how many of the last blocks to explain, at most those there are; 0 for none.
            frame: which of the tokens are the caption's own.
            moves: of what EOT reads in them, taken along in the same pass.

        Returns:
            Unit embeddings (K, E), and the trace of the first sequence.
        """
        embeddings, trace = [], None
        for pack in _packs(sequences):
            trie = _Trie.of(pack)
            x, steps = self._blocks(
                trie, 0 if trace else layers, frame, moves=None if trace else moves
            )
            pooled = x[torch.tensor(trie.ends, device=x.device)]
            embeddings.append(self.embedding_of(pooled))
            if trace is None:
                trace = CausalTextTrace(self, steps, pooled[0], embeddings[0][0])
                if moves and layers:
                    trace.keep(x[len(trie.ids) :])
        assert trace is not None
        return torch.cat(embeddings), trace

    @torch.no_grad()
    def trace(self, ids: Sequence[int], layers: int, single_head: bool = False) -> CausalTextTrace:
        """Trace one caption padded to the context length, as the authors' notebook runs it.

        Args:
            ids: token ids, SOT to EOT.
            layers: how many of the last blocks to explain.
            single_head: run those with one head of full width.
        """
        end = len(ids) - 1
        trie = _Trie.of([[*ids, *[0] * (self.context_length - len(ids))]])
        x, reads = self._blocks(trie, layers, SOT_EOT, end, single_head)
        return CausalTextTrace(self, reads, x[end], self.embedding_of(x[end]))

    def encode(self, ids: Tensor, frame: Frame = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L), SOT to EOT, for plain autograd."""
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.text.positional_embedding[:length]
        x = x.to(self.blocks[0].dtype)
        mask = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        for block in self.blocks:
            x = block.finish(x, attend_batch(*block.qkv(x), block.heads, mask))
        return self.embedding_of(x[:, -1])

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of EOT tokens (..., D) leaving the last block."""
        return text_embedding(self.text, pooled.to(self.blocks[-1].dtype))

    def _blocks(
        self,
        trie: _Trie,
        layers: int,
        frame: Frame,
        end: int | None = None,
        single_head: bool = False,
        moves: Moves | None = None,
    ) -> tuple[Tensor, list[_Step]]:
        """Run all blocks over a trie's tokens (M, D); what its first path's EOT read in each.

        Below the tokens leave, where there are any, the directions that moves of EOT have become, then each
        block's own effect.
        """
        text, device = self.text, self.text.positional_embedding.device
        ids, depths = (torch.tensor(t, device=device) for t in (trie.ids, trie.depths))
        x = self.token_embedding(ids) + text.positional_embedding[depths]
        x = x.to(self.blocks[0].dtype)
        mask = trie.mask().to(device)
        path = slice(0, trie.depths[trie.ends[0]] + 1)  # the first sequence is laid down first
        end = trie.ends[0] if end is None else end
        own = slice(frame.lead, end + 1 - frame.tail)
        layout = Layout(len(x), end) if moves and layers else None
        if layout:
            x = torch.cat([x, x.new_zeros(own.stop - own.start, x.shape[1])])
        steps, plain = [], slice(0, len(trie.ids))
        for n, block in enumerate(self.blocks):
            explained = n >= self.depth - layers
            heads = 1 if single_head and explained else block.heads
            q, k, v = block.qkv(x, layout)
            o = attend(q[plain], k[plain], v[plain], heads, mask)
            if layers:
                read = Read(q[end], k[path], v[path], o[end], heads, end + 1, own)
                dtype = block.dtype
                step = _Step(block, x[end].to(dtype, copy=True), read.copied(dtype), explained)
                steps.append(step)
            if moves is None or layout is None:
                x = block.finish(x, o)
                continue
            do = attend_moves(read, end, *(a[layout.plain :] for a in (q, k, v)))
            if explained:
                do[: own.stop - own.start] += moves(read).to(do)
            x = leave_with_effect(block, x, block.mix(x, torch.cat([o, do]), layout), layout)
        return x, steps


@dataclass(frozen=True, eq=False)
class _Step:
    block: Block
    x: Tensor  # (D,) EOT entering the block
    read: Read
    explained: bool


@dataclass(eq=False)
class CausalTextTrace:
    """What a caption's EOT token read, block by block.

    Nothing after EOT reaches it and nothing before it sees it, so along its own row derivatives are exact.
    """

    tower: CausalTextTower
    steps: list[_Step]
    pooled: Tensor  # (D,) EOT leaving the last block
    embedding: Tensor  # (E,) unit text embedding t
    carried: TangentShares | None = None  # what moves that were taken along have become

    @property
    def reads(self) -> list[Read]:
        """Reads of the explained blocks, shallowest first."""
        return [step.read for step in self.steps if step.explained]

    @cached_property
    def block_effects(self) -> Tensor:
        """(L, E) what each block's attention output adds to t, to first order."""
        none = [step.x.new_zeros(0, len(step.x)) for step in self.steps]
        return push_embedding(self.pooled, self._carry(none), self.tower.embedding_of)

    def shares(self, at_o: Sequence[Tensor]) -> TangentShares:
        """Return the sum over the explained blocks of J_l a_l, from a_l (K, D) per block."""
        blank = [torch.zeros_like(at_o[0])] * (len(self.steps) - len(at_o))
        return self._embed(self._carry([*blank, *at_o]))

    def keep(self, directions: Tensor) -> None:
        """Directions (T + L, D) of EOT leaving the last block: of moves taken along, then block effects."""
        self.carried = self._embed(directions)

    @torch.no_grad()
    def _carry(self, at_o: Sequence[Tensor]) -> Tensor:
        """Directions (K + L, D) of EOT leaving the last block, as `keep` takes them.

        They begin as rows (K, D) given per block; below them rides each block's own attention output.
        """
        moves = torch.zeros_like(at_o[0])
        for step, injected in zip(self.steps, at_o, strict=True):
            own = step.read.visible - 1
            moves = carry(step.block, step.x, step.read, moves, injected, own)
        return moves

    @torch.no_grad()
    def _embed(self, directions: Tensor) -> TangentShares:
        """Shares of all but the last L directions, which are the block effects, and kept as such."""
        tail, count = self.tower.embedding_of, len(directions) - len(self.steps)
        moved = push_embedding(self.pooled, directions, tail)
        # The block effects rode along, since reading the weights again is all that they would cost.
        self.block_effects = moved[count:]
        return TangentShares(moved[:count], directions[:count], self.pooled, tail)


@dataclass
class _Trie:
    """Token sequences folded at their common prefixes, parents before children."""

    ids: list[int]
    depths: list[int]  # position of each token in its sequence
    parents: list[int]  # -1 at the root
    ends: list[int]  # where each sequence's last token lies

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> _Trie:
        trie, children = cls([], [], [], []), dict[tuple[int, int], int]()
        for sequence in sequences:
            node = -1
            for depth, token in enumerate(sequence):
                child = children.get((node, token))
                if child is None:
                    child = children[node, token] = len(trie.ids)
                    trie.ids.append(token)
                    trie.depths.append(depth)
                    trie.parents.append(node)
                node = child
            trie.ends.append(node)
        return trie

    def mask(self) -> Tensor:
        """(M, M) true where a token sees another: itself and its ancestors."""
        sees = torch.zeros(len(self.ids), len(self.ids), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                sees[node] = sees[parent]
            sees[node, node] = True
        return sees


def _packs(sequences: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """Cut the list where a trie could grow past `_PACK` tokens."""
    packs: list[list[Sequence[int]]] = [[]]
    size = 0
    for sequence in sequences:
        if packs[-1] and size + len(sequence) > _PACK:
            packs.append([])
            size = 0
        packs[-1].append(sequence)
        size += len(sequence)
    return packs
