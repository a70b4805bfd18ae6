"""Image towers pooled by an attention pooling head: one query attends to the patches after all blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d
from open_clip.transformer import AttentionalPooler
from timm.layers import AttentionPoolLatent
from torch import Tensor

from ..blocks.attention import PooledAttention, attend, attend_to_region, no_autocast
from ..blocks.forward_mode import embedding_jvp
from ..blocks.transformer import AttentionPooling, Transformer
from .base import ImageTower, ImageTrace, gradients
from .pooling_heads import CocaHead, LatentHead, PoolingHead, ResNetHead


class AttentionPoolingTower(ImageTower):
    """A tower whose last step is attention of a single query over the patches.

    There is one block to explain: the pooling head. It is timm's ``AttentionPoolLatent`` (the MAP head of
    SigLIP and of the Perception Encoder), open_clip's ``AttentionalPooler`` (CoCa) or its
    ``AttentionPool2d`` (CLIP's ResNets).
    """

    family = "attention pooling head"
    depth = 1

    def __init__(self, visual: Any) -> None:
        trunk = getattr(visual, "trunk", None)
        if isinstance(getattr(trunk, "attn_pool", None), AttentionPoolLatent):
            self.pool: PoolingHead = LatentHead(visual)
        elif isinstance(getattr(visual, "attn_pool", None), AttentionalPooler):
            self.pool = CocaHead(visual)
        elif isinstance(getattr(visual, "attnpool", None), AttentionPool2d):
            self.pool = ResNetHead(visual)
        else:
            raise TypeError("it has no attention pooling head")
        self.patch_size = self.pool.patch_size
        self.image_size = self.pool.image_size
        self.flexible = self.pool.flexible
        self.has_transformer = bool(self.pool.blocks)

    def _trace(
        self, pixels: Tensor, layers: int, single_head: bool, contributions: bool
    ) -> AttentionPoolingTrace:
        features, grid = self.pool.features(pixels)
        q, k, v = self.pool.qkv(features, grid)
        o = attend(q, k, v, self.pool.heads)
        attention = PooledAttention(q[0], k, v, o[0], self.pool.heads, len(k), self.pool.keys)
        return AttentionPoolingTrace(self, grid, self.pool.patches, [attention], features)

    def _transformer(self, pixels: Tensor) -> Transformer:
        if not self.has_transformer:
            return super()._transformer(pixels)
        pool = self.pool
        tokens, blocks = pool.entering(pixels)
        grid = (pixels.shape[-2] // self.patch_size[0], pixels.shape[-1] // self.patch_size[1])

        def qkv(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return pool.qkv(pool.leaving(rows), grid)

        pooling = AttentionPooling(pool.heads, qkv, self.embedding_of, pool.skipped)
        patches = slice(pool.skipped + (pool.patches.start or 0), None)
        return Transformer(blocks, tokens.to(blocks[0].dtype), patches, pooling)

    def embedding_of(self, o: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of attention outputs (..., D) before their projection."""
        with no_autocast(o):
            return F.normalize(self.pool.embed(o.to(self.pool.dtype)).float(), dim=-1)


@dataclass(eq=False)
class AttentionPoolingTrace(ImageTrace):
    """One picture's pass through a tower with an attention pooling head.

    Attributes:
        tower: the tower.
        features: rows (N, D) entering the head.
    """

    tower: AttentionPoolingTower
    grid: tuple[int, int]
    patches: slice
    attentions: list[PooledAttention]
    features: Tensor

    @cached_property
    def embedding(self) -> Tensor:
        """Unit image embedding x (E,)."""
        with torch.no_grad():
            return self.tower.embedding_of(self.attentions[0].o)

    @cached_property
    def block_contributions(self) -> Tensor:
        """(1, E), what the head's attention output adds to x, to first order."""
        o = self.attentions[0].o.to(self.tower.pool.dtype)
        with torch.no_grad(), no_autocast(o):
            return embedding_jvp(o, o[None], self.tower.embedding_of)

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region, the head's query attending to it only.

        Args:
            weights: (patches,) 0 to 1, how much of each patch the region covers.
        """
        with torch.no_grad():
            return self.tower.embedding_of(attend_to_region(self.attentions[0], weights))

    def vjp(self, directions: Tensor) -> Tensor:
        """Return gradients (1, K, D) of direction . x with respect to the head's attention output."""
        with torch.enable_grad(), no_autocast(directions):
            o = self.attentions[0].o.detach()[None].to(self.tower.pool.dtype).requires_grad_()
            x = self.tower.embedding_of(o)
            (w,) = torch.autograd.grad(x, o, directions[:, None], is_grads_batched=True)
        return w[:, 0][None]

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows (N, D) entering the head, and gradients (K, N, D) of direction . x there."""
        with torch.enable_grad():
            features = self.features.detach().requires_grad_()
            o = attend(*self.tower.pool.qkv(features, self.grid), self.attentions[0].heads)
            x = self.tower.embedding_of(o)[0]
            return self.features, gradients(x, features, directions)
