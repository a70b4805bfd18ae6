"""Bidirectional text towers, with padding in view (SigLIP), and those with an appended class token (CoCa)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, attend
from ..blocks.base import AttentionBlock
from ..blocks.open_clip import OpenClipBlock
from ..blocks.transformer import RowPooling, Transformer
from ..tokenizers.special_tokens import SOT_EOT, SpecialTokens
from .base import TextTower, text_embedding
from .bidirectional_trace import BidirectionalTextTrace, RowLayout, TracedBlock

_ROWS = 512  # tokens run at once: bounds memory where a caption has many words


class BidirectionalTextTower(TextTower):
    """open_clip's text transformer with any attention mask and any pooled token.

    The pooled token is the first, the last, EOT, or an appended class token. Where other tokens attend to it,
    they pass on what it became in the explained blocks. Tangents then propagate through all tokens, so that
    derivatives are exact.
    """

    family = "bidirectional text transformer, or one with an appended class token"
    has_transformer = True
    default_text_layers = (
        2  # each further one costs a pass for every token, see `BidirectionalTextTrace`
    )

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
                first = RowLayout.of(
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
        """Return unit embeddings (B, E) of captions of one length (B, L), for plain autograd."""
        length = ids.shape[1]
        ids = F.pad(ids, (0, self.context_length - length), value=special_tokens.pad)
        entered, mask, pooled, _ = self._embed(ids, length)
        return self._embeddings(entered, mask, pooled)

    def _embeddings(self, x: Tensor, mask: Tensor, pooled: Tensor) -> Tensor:
        """Run tokens (B, L, D) through the blocks; return unit embeddings (B, E) of the pooled ones (B,)."""
        for block in self.blocks:
            o = attend(*block.qkv(x), block.heads, mask[:, None])
            x = block.forward_from_attention(x, o)
        return self.embedding_of(x[torch.arange(len(x), device=x.device), pooled])

    def transformer(
        self, ids: Sequence[int], special_tokens: SpecialTokens = SOT_EOT
    ) -> Transformer:
        """Return all blocks, ready to be run on one caption, with the padding that the model sees."""
        padded = [*ids, *[special_tokens.pad] * (self.context_length - len(ids))]
        rows = torch.tensor([padded], device=next(self.text.parameters()).device)
        x, mask, pooled, columns = self._embed(rows, len(ids))
        own = special_tokens.own(len(ids))
        explained = ((columns >= own.start) & (columns < own.stop)).nonzero()[:, 0]
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
            Tokens (B, L, D), the attention mask (B, L, L), which token is pooled (B,), and the position (L,)
            of each column. Padding that is masked in the whole batch is left out.
        """
        text, (count, length) = self.text, ids.shape
        x = self.token_embedding(ids)
        visible = torch.ones(count, length, dtype=torch.bool, device=ids.device)
        if getattr(text, "use_pad_mask", False) or self.class_token is not None:
            visible = ids != text.pad_id
        if self.class_token is not None:
            x = torch.cat([x, self.class_token.to(x.dtype).expand(count, 1, -1)], 1)
            always = visible.new_ones(count, 1)
            # CoCa's released weights were trained with this mask one position off, and need it so.
            right = getattr(text, "correct_cls_mask", False)
            visible = torch.cat([visible, always] if right else [always, visible], 1)
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
        self, x: Tensor, mask: Tensor, layout: RowLayout, layers: int
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
    """Leave out the positions of a batch that are masked padding in every caption.

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
    used[:longest] = True  # a caption's own token may have the padding id, and be masked
    columns = used.nonzero()[:, 0]
    mask = mask[:, columns][:, :, columns]
    return x[:, columns], mask, used.cumsum(0)[pooled] - 1, columns
