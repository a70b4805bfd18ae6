"""Causal text towers pooled at EOT: open_clip's own text transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..blocks.attention import PooledAttention, TangentFn, attend, attention_jvp
from ..blocks.base import propagate_tangents, residual_mlp_with_contribution
from ..blocks.forward_mode import DualLayout, embedding_jvp
from ..blocks.open_clip import OpenClipBlock
from ..blocks.transformer import RowPooling, Transformer
from ..tokenizers.base import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions
from .base import TextTower, TextTrace, text_embedding
from .trie import Trie, packed_batches, packs

_TOKENS = 16_384  # tokens of groups that are run at once, to limit memory


class CausalTextTower(TextTower):
    """open_clip's causal text transformer, pooled at the EOT token.

    A token attends only to itself and those before it, so captions with the same beginning share the
    computation of it: all are packed into one trie, and every distinct prefix is computed once, without
    padding.
    """

    family = "causal text transformer pooled at EOT"
    supports_reference = ends_at_eot = has_transformer = True
    default_text_layers = 8  # as in the authors' code

    def __init__(self, model: Any) -> None:
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

    def _run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens,
        tangent_fn: TangentFn | None,
    ) -> tuple[Tensor, CausalTextTrace]:
        embeddings, trace = [], None
        for pack in packs(sequences):
            trie = Trie.of(pack)
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
                    trace.set_propagated(x[len(trie.ids) :])
        assert trace is not None
        return torch.cat(embeddings), trace

    def _trace(self, ids: Sequence[int], layers: int, single_head: bool) -> CausalTextTrace:
        end = len(ids) - 1
        trie = Trie.of([[*ids, *[0] * (self.context_length - len(ids))]])
        x, attentions = self._blocks(trie, layers, SOT_EOT, end, single_head)
        return CausalTextTrace(self, attentions, x[end], self.embedding_of(x[end]))

    def _embed_groups(
        self, groups: Sequence[Sequence[Sequence[int]]], special_tokens: SpecialTokens
    ) -> list[Tensor]:
        text, device = self.text, self.text.positional_embedding.device
        embeddings: dict[int, Tensor] = {}
        for batch in packed_batches(groups, _TOKENS):
            ids, depths, mask = (
                array.to(device) for array in (batch.ids, batch.depths, batch.mask)
            )
            x = (self.token_embedding(ids) + text.positional_embedding[depths]).to(
                self.blocks[0].dtype
            )
            for block in self.blocks:
                o = attend(*block.qkv(x), block.heads, mask[:, None])
                x = block.forward_from_attention(x, o)
            ends = self.embedding_of(x[batch.rows.to(device), batch.ends.to(device)])
            embeddings.update(zip(batch.groups, ends.split(batch.sizes), strict=True))
        return [embeddings[n] for n in range(len(groups))]

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L); autograd can differentiate it."""
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.text.positional_embedding[:length]
        x = x.to(self.blocks[0].dtype)
        mask = torch.ones(1, length, length, dtype=torch.bool, device=ids.device).tril()
        for block in self.blocks:
            x = block.forward_from_attention(x, attend(*block.qkv(x), block.heads, mask))
        return self.embedding_of(x[:, -1])

    def transformer(
        self, ids: Sequence[int], special_tokens: SpecialTokens = SOT_EOT
    ) -> Transformer:
        """Return all blocks, with the rows of one caption (L,) without padding."""
        tokens = torch.tensor(ids, device=self.text.positional_embedding.device)
        x = self.token_embedding(tokens) + self.text.positional_embedding[: len(ids)]
        mask = torch.ones(len(ids), len(ids), dtype=torch.bool, device=tokens.device).tril()
        pooling = RowPooling(len(ids) - 1, self.embedding_of)
        explained = special_tokens.caption_slice(len(ids))
        return Transformer(self.blocks, x.to(self.blocks[0].dtype), explained, pooling, mask)

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of EOT tokens (..., D) leaving the last block."""
        return text_embedding(self.text, pooled.to(self.blocks[-1].dtype))

    def _blocks(
        self,
        trie: Trie,
        layers: int,
        special_tokens: SpecialTokens,
        end: int | None = None,
        single_head: bool = False,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, list[_Step]]:
        """Run all blocks over a trie's tokens, and trace its first caption.

        Args:
            trie: the captions; the first one's tokens come first.
            layers: how many of the last blocks to explain; 0 traces none.
            special_tokens: which tokens are special.
            end: row of the first caption's EOT, if that is not its last token.
            single_head: run explained blocks with one head of full width.
            tangent_fn: a function that returns tangents of EOT's attention output, to propagate in this pass.

        Returns:
            Rows (M, D) leaving the last block, and the trace of every block. With ``tangent_fn``, further
            rows follow: the T propagated tangents of EOT, and the L blocks' contributions to it.
        """
        text, device = self.text, self.text.positional_embedding.device
        ids, depths = (torch.tensor(t, device=device) for t in (trie.ids, trie.depths))
        x = self.token_embedding(ids) + text.positional_embedding[depths]
        x = x.to(self.blocks[0].dtype)
        mask = trie.mask().to(device)
        path = slice(0, trie.depths[trie.ends[0]] + 1)  # the first caption's tokens come first
        end = trie.ends[0] if end is None else end
        tokens = special_tokens.caption_slice(end + 1)
        layout = DualLayout(len(x), end) if tangent_fn and layers else None
        if layout:
            x = torch.cat([x, x.new_zeros(tokens.stop - tokens.start, x.shape[1])])
        steps, plain = [], slice(0, len(trie.ids))
        for n, block in enumerate(self.blocks):
            explained = n >= self.depth - layers
            heads = 1 if single_head and explained else block.heads
            q, k, v = block.qkv(x, layout)
            o = attend(q[plain], k[plain], v[plain], heads, mask)
            if layers:
                attention = PooledAttention(
                    q[end], k[path], v[path], o[end], heads, end + 1, tokens
                )
                dtype = block.dtype
                step = _Step(block, x[end].to(dtype, copy=True), attention.copied(dtype), explained)
                steps.append(step)
            if tangent_fn is None or layout is None:
                x = block.forward_from_attention(x, o)
                continue
            do = attention_jvp(attention, end, *(a[layout.primal :] for a in (q, k, v)))
            if explained:
                do[: tokens.stop - tokens.start] += tangent_fn(attention).to(do)
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
class CausalTextTrace(TextTrace):
    """One caption's pass through a causal text tower, block by block.

    No token before EOT attends to it, so derivatives along its own row are exact.

    Attributes:
        tower: the tower.
        steps: all blocks.
        pooled: EOT (D,) leaving the last block.
    """

    tower: CausalTextTower
    steps: list[_Step]
    pooled: Tensor
    embedding: Tensor
    propagated: TangentAttributions | None = None

    @cached_property
    def attentions(self) -> list[PooledAttention]:
        """Attention of EOT in each explained block, lowest block first."""
        return [step.attention for step in self.steps if step.explained]

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E), what each block's attention output adds to t, to first order."""
        empty = [step.x.new_zeros(0, len(step.x)) for step in self.steps]
        return embedding_jvp(self.pooled, self._propagate(empty), self.tower.embedding_of)

    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return the sum over the explained blocks of J_l a_l, from tangents a_l (K, D) per block."""
        blank = [torch.zeros_like(tangents[0])] * (len(self.steps) - len(tangents))
        return self._embed(self._propagate([*blank, *tangents]))

    def set_propagated(self, tangents: Tensor) -> None:
        """Store tangents (T + L, D) of EOT: T that `CausalTextTower` propagated, then block contributions."""
        self.propagated = self._embed(tangents)

    @torch.no_grad()
    def _propagate(self, attention_tangents: Sequence[Tensor]) -> Tensor:
        """Return tangents (K + L, D) of EOT leaving the last block, from tangents (K, D) for every block.

        The last L are the blocks' contributions.
        """
        tangents = torch.zeros_like(attention_tangents[0])
        for step, added in zip(self.steps, attention_tangents, strict=True):
            end = step.attention.visible - 1
            tangents = propagate_tangents(step.block, step.x, step.attention, tangents, added, end)
        return tangents

    @torch.no_grad()
    def _embed(self, tangents: Tensor) -> TangentAttributions:
        """Return attributions of tangents (K + L, D) without the last L, the `block_contributions`."""
        tail, count = self.tower.embedding_of, len(tangents) - len(self.steps)
        embedding = embedding_jvp(self.pooled, tangents, tail)
        self.block_contributions = embedding[count:]
        return TangentAttributions(embedding[:count], tangents[:count], self.pooled, tail)
