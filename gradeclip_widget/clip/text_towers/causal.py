"""Causal text towers pooled at EOT: open_clip's own text transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..blocks.attention import PooledAttention, TangentFn, attend, attend_batch, attention_jvp
from ..blocks.forward_mode import DualLayout, embedding_jvp
from ..blocks.open_clip import OpenClipBlock
from ..blocks.propagate import propagate_tangents, residual_mlp_with_contribution
from ..tokenizers.special_tokens import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions
from .base import text_embedding

_PACK = 512  # tokens run at once: bounds the attention mask for very long captions


class CausalTextTower:
    """open_clip's text transformer, causal, its EOT token pooled.

    A token sees only what stands before it, so captions that begin alike share that beginning: all
    sequences are packed into one trie and every distinct prefix is computed once, without padding.
    """

    family = "causal text transformer pooled at EOT"
    has_query = supports_reference = ends_at_eot = True
    default_text_layers = 8  # as the authors do

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
        self.blocks = [OpenClipBlock.of(b) for b in text.transformer.resblocks]
        self.depth = len(self.blocks)
        self.context_length = int(text.positional_embedding.shape[0])

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens = SOT_EOT,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, CausalTextTrace]:
        """Encode many captions at once and trace the first.

        Args:
            sequences: token ids of each, SOT to EOT, no padding.
            layers: how many of the last blocks to explain, at most those there are; 0 for none.
            special_tokens: which of the tokens are the caption's own.
            tangent_fn: of what EOT reads in them, taken along in the same pass.

        Returns:
            Unit embeddings (K, E), and the trace of the first sequence.
        """
        embeddings, trace = [], None
        for pack in _packs(sequences):
            trie = _Trie.of(pack)
            x, steps = self._blocks(
                trie,
                0 if trace else layers,
                special_tokens,
                tangent_fn=None if trace else tangent_fn,
            )
            pooled = x[torch.tensor(trie.ends, device=x.device)]
            embeddings.append(self.embedding_of(pooled))
            if trace is None:
                trace = CausalTextTrace(self, steps, pooled[0], embeddings[0][0])
                if tangent_fn and layers:
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
        x, attentions = self._blocks(trie, layers, SOT_EOT, end, single_head)
        return CausalTextTrace(self, attentions, x[end], self.embedding_of(x[end]))

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L), SOT to EOT, for plain autograd."""
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.text.positional_embedding[:length]
        x = x.to(self.blocks[0].dtype)
        mask = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        for block in self.blocks:
            x = block.forward_from_attention(x, attend_batch(*block.qkv(x), block.heads, mask))
        return self.embedding_of(x[:, -1])

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of EOT tokens (..., D) leaving the last block."""
        return text_embedding(self.text, pooled.to(self.blocks[-1].dtype))

    def _blocks(
        self,
        trie: _Trie,
        layers: int,
        special_tokens: SpecialTokens,
        end: int | None = None,
        single_head: bool = False,
        tangent_fn: TangentFn | None = None,
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
        own = slice(special_tokens.leading, end + 1 - special_tokens.trailing)
        layout = DualLayout(len(x), end) if tangent_fn and layers else None
        if layout:
            x = torch.cat([x, x.new_zeros(own.stop - own.start, x.shape[1])])
        steps, plain = [], slice(0, len(trie.ids))
        for n, block in enumerate(self.blocks):
            explained = n >= self.depth - layers
            heads = 1 if single_head and explained else block.heads
            q, k, v = block.qkv(x, layout)
            o = attend(q[plain], k[plain], v[plain], heads, mask)
            if layers:
                attention = PooledAttention(q[end], k[path], v[path], o[end], heads, end + 1, own)
                dtype = block.dtype
                step = _Step(block, x[end].to(dtype, copy=True), attention.copied(dtype), explained)
                steps.append(step)
            if tangent_fn is None or layout is None:
                x = block.forward_from_attention(x, o)
                continue
            do = attention_jvp(attention, end, *(a[layout.primal :] for a in (q, k, v)))
            if explained:
                do[: own.stop - own.start] += tangent_fn(attention).to(do)
            x = residual_mlp_with_contribution(
                block, x, block.post_attention(x, torch.cat([o, do]), layout), layout
            )
        return x, steps


@dataclass(frozen=True, eq=False)
class _Step:
    block: OpenClipBlock
    x: Tensor  # (D,) EOT entering the block
    attention: PooledAttention
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
    propagated: TangentAttributions | None = None  # what moves that were taken along have become

    @property
    def attentions(self) -> list[PooledAttention]:
        """Reads of the explained blocks, shallowest first."""
        return [step.attention for step in self.steps if step.explained]

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E) what each block's attention output adds to t, to first order."""
        none = [step.x.new_zeros(0, len(step.x)) for step in self.steps]
        return embedding_jvp(self.pooled, self._carry(none), self.tower.embedding_of)

    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return the sum over the explained blocks of J_l a_l, from a_l (K, D) per block."""
        blank = [torch.zeros_like(tangents[0])] * (len(self.steps) - len(tangents))
        return self._embed(self._carry([*blank, *tangents]))

    def keep(self, directions: Tensor) -> None:
        """Directions (T + L, D) of EOT leaving the last block: of moves taken along, then block effects."""
        self.propagated = self._embed(directions)

    @torch.no_grad()
    def _carry(self, tangents: Sequence[Tensor]) -> Tensor:
        """Directions (K + L, D) of EOT leaving the last block, as `keep` takes them.

        They begin as rows (K, D) given per block; below them rides each block's own attention output.
        """
        moves = torch.zeros_like(tangents[0])
        for step, injected in zip(self.steps, tangents, strict=True):
            own = step.attention.visible - 1
            moves = propagate_tangents(step.block, step.x, step.attention, moves, injected, own)
        return moves

    @torch.no_grad()
    def _embed(self, directions: Tensor) -> TangentAttributions:
        """Attributions of all but the last L directions, which are the block effects, and kept as such."""
        tail, count = self.tower.embedding_of, len(directions) - len(self.steps)
        moved = embedding_jvp(self.pooled, directions, tail)
        # The block effects rode along, since reading the weights again is all that they would cost.
        self.block_contributions = moved[count:]
        return TangentAttributions(moved[:count], directions[:count], self.pooled, tail)


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
