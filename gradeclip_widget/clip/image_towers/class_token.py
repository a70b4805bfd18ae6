"""Image towers pooled by a class token: open_clip's own vision transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..blocks.attention import (
    PooledAttention,
    attend,
    attend_to_region,
    attention_jvp,
    no_autocast,
)
from ..blocks.base import AttentionBlock, residual_mlp_with_contribution
from ..blocks.forward_mode import DualLayout, embedding_jvp, tail_norm
from ..blocks.open_clip import OpenClipBlock
from ..blocks.transformer import RowPooling, Transformer
from .base import ImageTower, ImageTrace, gradients
from .patches import open_clip_tokens

_PATCHES = slice(1, None)


class ClassTokenTower(ImageTower):
    """open_clip's ``VisionTransformer`` with ``pool_type="tok"``: the class token becomes the embedding."""

    family = "vision transformer with a class token"
    flexible = supports_reference = has_transformer = True

    def __init__(self, visual: Any) -> None:
        if getattr(visual, "class_embedding", None) is None or not hasattr(visual, "transformer"):
            raise TypeError("it has no class token")
        if visual.attn_pool is not None or visual.pool_type != "tok":
            raise TypeError("its class token is not what it pools")
        self.visual = visual
        self.blocks = [OpenClipBlock.of(b) for b in visual.transformer.resblocks]
        self.depth = len(self.blocks)
        self.patch_size = cast(tuple[int, int], tuple(visual.conv1.kernel_size))
        self.image_size = cast(tuple[int, int], tuple(visual.image_size))

    def _trace(
        self, pixels: Tensor, layers: int, single_head: bool, contributions: bool
    ) -> ClassTokenTrace:
        tokens, grid = open_clip_tokens(self.visual, pixels)
        return ClassTokenTrace.of(
            self.embedding_of,
            self.blocks,
            tokens[0],
            grid,
            _PATCHES,
            layers,
            single_head,
            contributions,
        )

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of class tokens (..., D) leaving the last block."""
        with no_autocast(pooled):
            pooled = tail_norm(self.visual.ln_post, pooled.to(self.blocks[-1].dtype))
            if self.visual.proj is not None:
                pooled = pooled @ self.visual.proj
            return F.normalize(pooled.float(), dim=-1)

    def _transformer(self, pixels: Tensor) -> Transformer:
        tokens, _ = open_clip_tokens(self.visual, pixels)
        pooling = RowPooling(0, self.embedding_of)
        return Transformer(self.blocks, tokens.to(self.blocks[0].dtype), _PATCHES, pooling)


@dataclass(eq=False)
class ClassTokenTrace(ImageTrace):
    """One picture's pass through transformer blocks, with tangents of its class token.

    Attributes:
        embedding_of: the tail, a function from class tokens (..., D) to unit embeddings (..., E).
        blocks: the explained blocks.
        tokens_in: tokens (1 + patches, D) entering the first explained block.
        last_in: tokens (1 + patches, D) entering the last block.
        pooled: class token (D,) leaving the last block.
        contributions: (L, D), what each block's attention output adds to it, to first order.
    """

    embedding_of: Callable[[Tensor], Tensor]
    blocks: Sequence[AttentionBlock]
    grid: tuple[int, int]
    patches: slice
    attentions: list[PooledAttention]
    tokens_in: Tensor
    last_in: Tensor
    pooled: Tensor
    contributions: Tensor

    @classmethod
    def of(
        cls,
        embedding_of: Callable[[Tensor], Tensor],
        blocks: Sequence[AttentionBlock],
        tokens: Tensor,
        grid: tuple[int, int],
        patches: slice,
        layers: int,
        single_head: bool,
        contributions: bool,
    ) -> ClassTokenTrace:
        """Run all blocks, the last one only for the row of the class token.

        Args:
            embedding_of: the tail, a function from class tokens (..., D) to unit embeddings (..., E).
            blocks: all blocks of the tower.
            tokens: (N, D) entering the first block; the class token is the first of them.
            grid: (rows, cols) of patches.
            patches: which of the tokens are patches.
            layers: how many of the last blocks to explain.
            single_head: run those with one head of full width.
            contributions: whether to compute what each block adds to the class token.
        """
        # Rows are the tokens, followed by a tangent of the class token for every block so far.
        rows, count, attentions = tokens, len(tokens), list[PooledAttention]()
        last_in = tokens_in = tokens
        for number, block in enumerate(blocks):
            explained, last = number >= len(blocks) - layers, number == len(blocks) - 1
            last_in = rows[:count]
            if number == len(blocks) - layers:
                tokens_in = last_in
            heads = 1 if single_head and explained else block.heads
            o, attention = _attend(block, rows, count, patches, heads, last)
            if last:  # x depends only on the class token
                rows = torch.cat([rows[:1], rows[count:]])
            if explained:
                attentions.append(attention)
            del attention  # frees the queries, keys and values of blocks that are not explained
            layout = DualLayout(1 if last else count, 0)
            mixed = block.post_attention(rows, o, layout)
            if contributions:
                rows = residual_mlp_with_contribution(block, rows, mixed, layout)
            else:
                rows = block.residual_mlp(rows, mixed, layout)
        return cls(
            embedding_of,
            blocks[-layers:],
            grid,
            patches,
            attentions,
            tokens_in,
            last_in,
            rows[0],
            rows[1:],
        )

    @cached_property
    def embedding(self) -> Tensor:
        """Unit image embedding x (E,)."""
        with torch.no_grad():
            return self.embedding_of(self.pooled)

    @cached_property
    def block_contributions(self) -> Tensor:
        """(L, E), what each block's attention output adds to x, to first order.

        Each is propagated along the class token's own row; the patches are constant.
        """
        with torch.no_grad():
            return embedding_jvp(self.pooled, self.contributions, self.embedding_of)

    @property
    def last_rows(self) -> Tensor:
        """Tokens (1 + patches, D) entering the last block."""
        return self.last_in

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region, to which alone the last block's class token attends.

        Args:
            weights: (patches,) 0 to 1, how much of each patch the region covers.
        """
        block, row = self.blocks[-1], self.last_in[:1]
        with torch.no_grad(), no_autocast(row):
            o = attend_to_region(self.attentions[-1], weights)[None]
            out = block.forward_from_attention(row.to(block.dtype), o.to(block.dtype))
            return self.embedding_of(out)[0]

    def vjp(self, directions: Tensor) -> Tensor:
        """Return gradients (L, K, D) of direction . x with respect to the class token's attention outputs."""
        if len(self.attentions) == 1:
            return self._last_block_vjp(directions)[None]
        with torch.enable_grad():
            x, added = self._graph()
            rows = [torch.autograd.grad(x, added, d, retain_graph=True) for d in directions]
        return torch.stack([torch.stack(w) for w in zip(*rows, strict=True)])

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last block's input (1 + patches, D) and gradients (K, 1 + patches, D) there."""
        block, heads = self.blocks[-1], self.attentions[-1].heads
        with torch.enable_grad():
            tokens = self.last_in.detach().requires_grad_()
            bias = block.bias
            bias = None if bias is None else bias[:, :1]
            o = attend(block.query(tokens[:1]), *block.keys_values(tokens), heads, bias)
            x = self.embedding_of(block.forward_from_attention(tokens[:1], o))[0]
            return self.last_in, gradients(x, tokens, directions)

    def _last_block_vjp(self, directions: Tensor) -> Tensor:
        """Return gradients (K, D) at the last block, where x depends only on the class token's row."""
        block = self.blocks[-1]
        with torch.enable_grad(), no_autocast(directions):
            o = self.attentions[-1].o[None].detach().to(block.dtype).requires_grad_()
            out = block.forward_from_attention(self.last_in[:1].detach().to(block.dtype), o)
            x = self.embedding_of(out)
            (w,) = torch.autograd.grad(x, o, directions[:, None], is_grads_batched=True)
        return w[:, 0]

    def _graph(self) -> tuple[Tensor, list[Tensor]]:
        """Return x over the explained blocks, and zeros (D,) added to each of their attention outputs.

        Patches attend to the class token of the block before, so whole blocks are in the graph.
        """
        x, zeros = self.tokens_in.detach(), []
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            o = attend(*block.qkv(x), attention.heads, block.bias)
            zeros.append(torch.zeros_like(o[0]).requires_grad_())
            x = block.forward_from_attention(x, torch.cat([o[:1] + zeros[-1], o[1:]]))
        return self.embedding_of(x[0]), zeros


def _attend(
    block: AttentionBlock, rows: Tensor, count: int, patches: slice, heads: int, last: bool
) -> tuple[Tensor, PooledAttention]:
    """Return the attention outputs of a block's rows, and the attention of the class token.

    The rows are ``count`` tokens, of which the last block uses only the class token, and then tangents.
    """
    layout, queries = DualLayout(count, 0), 1 if last else count
    if last:
        k, v = block.keys_values(rows, layout)
        q = block.query(torch.cat([rows[:1], rows[count:]]), DualLayout(1, 0))
    else:
        q, k, v = block.qkv(rows, layout)
    bias = block.bias
    class_bias = (
        None if bias is None else bias[:, 0].clone()
    )  # a view would keep all of it in memory
    bias = None if bias is None else bias[:, :queries]
    o = attend(q[:queries], k[:count], v[:count], heads, bias)
    attention = PooledAttention(
        q[0], k[:count], v[:count], o[0], heads, count, patches, bias=class_bias
    )
    if len(rows) > count:
        tangents = attention_jvp(attention, 0, q[queries:], k[count:], v[count:])
        o = torch.cat([o, tangents])
    return o, attention
