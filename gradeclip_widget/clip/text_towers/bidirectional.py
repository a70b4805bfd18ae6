"""Text transformers that read both ways, padding and all, or append a class token: SigLIP, CoCa."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, attend_batch
from ..blocks.base import AttentionBlock
from ..blocks.open_clip import OpenClipBlock
from ..tokenizers.special_tokens import SOT_EOT, SpecialTokens
from .base import text_embedding
from .bidirectional_trace import BidirectionalTextTrace, RowLayout, TracedBlock

_ROWS = 512  # tokens run at once: bounds memory where a caption has many words to leave out


class BidirectionalTextTower:
    """open_clip's text transformer under any mask, pooling its first, last, EOT or appended class token.

    Where tokens read each other both ways, others read what the pooled one became, and hand it on: then
    derivatives run through all tokens of the explained blocks, and are exact all the same.
    """

    family = "text transformer that reads both ways or appends a class token"
    has_query = True
    supports_reference = ends_at_eot = False
    default_text_layers = (
        2  # further ones cost a pass for every token, where others read the pooled one
    )

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

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens = SOT_EOT,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, BidirectionalTextTrace]:
        """Encode many captions at once and trace the first.

        Args:
            sequences: framed token ids of each, no padding.
            layers: how many of the last blocks to explain, at most those there are; 0 for none.
            special_tokens: which of the tokens are the caption's own, and what pads them.
            tangent_fn: ignored: here all tokens would have tangents, so they are propagated later.

        Returns:
            Unit embeddings (K, E), and the trace of the first sequence.
        """
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
                steps, x = self._trace(entered[:1], mask[:1], first, layers)
                trace = BidirectionalTextTrace(
                    self.embedding_of, steps, first, mask[0], x[first.pooled]
                )
                embeddings.append(self.embedding_of(x[None, first.pooled]))
                entered, mask, pooled = entered[1:], mask[1:], pooled[1:]
            if len(entered):
                embeddings.append(self._embeddings(entered, mask, pooled))
        assert trace is not None
        return torch.cat(embeddings), trace

    def trace(
        self, ids: Sequence[int], layers: int, single_head: bool = False
    ) -> BidirectionalTextTrace:
        """Trace one caption.

        Raises:
            ValueError: a single head is asked for.
        """
        if single_head:
            raise ValueError("the authors' code knows causal text transformers pooled at EOT only")
        return self.run([ids], layers)[1]

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of framed captions of one length (B, L), for plain autograd."""
        length = ids.shape[1]
        ids = F.pad(ids, (0, self.context_length - length), value=special_tokens.pad)
        entered, mask, pooled, _ = self._embed(ids, length)
        return self._embeddings(entered, mask, pooled)

    def _embeddings(self, x: Tensor, mask: Tensor, pooled: Tensor) -> Tensor:
        """Unit embeddings (B, E) of tokens (B, L, D), from the pooled one (B,) of each."""
        for block in self.blocks:
            x = block.forward_from_attention(x, attend_batch(*block.qkv(x), block.heads, mask))
        return self.embedding_of(x[torch.arange(len(x), device=x.device), pooled])

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
        x = self.token_embedding(ids)
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
        self, x: Tensor, mask: Tensor, layout: RowLayout, layers: int
    ) -> tuple[list[TracedBlock], Tensor]:
        """Run one caption (1, L, D); what its pooled token read in each block, and the tokens (L, D)."""
        steps, p = [], layout.pooled
        for number, block in enumerate(self.blocks):
            q, k, v = block.qkv(x)
            o = attend_batch(q, k, v, block.heads, mask)
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
