"""Image towers with an attention pooling head: one query attends to the patches after all blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d
from open_clip.transformer import AttentionalPooler
from timm.layers import AttentionPoolLatent
from torch import Tensor

from ..blocks.attention import PooledAttention, attend, attend_to_region, no_autocast
from ..blocks.base import AttentionBlock, uncompiled
from ..blocks.forward_mode import embedding_jvp, norm_per_head
from ..blocks.transformer import AttentionPooling, Transformer
from .base import ImageTower, ImageTrace, gradients
from .patches import (
    OpenClipTrunk,
    dynamic_image_size,
    resample_positions,
    supports_dynamic_size,
    timm_blocks,
    timm_grid,
    timm_patch_size,
    timm_tokens,
)


class AttentionPoolingTower(ImageTower):
    """A tower whose last step is attention of a single query over the patches.

    Only the pooling head can be explained, as a single block. It is timm's ``AttentionPoolLatent`` (the MAP
    head of SigLIP and of the Perception Encoder), open_clip's ``AttentionalPooler`` (CoCa) or its
    ``AttentionPool2d`` (CLIP's ResNets).
    """

    family = "attention pooling head"
    depth = 1

    def __init__(self, visual: Any) -> None:
        trunk = getattr(visual, "trunk", None)
        if isinstance(getattr(trunk, "attn_pool", None), AttentionPoolLatent):
            self.pool: _PoolingHead = _LatentHead(visual)
        elif isinstance(getattr(visual, "attn_pool", None), AttentionalPooler):
            self.pool = _CocaHead(visual)
        elif isinstance(getattr(visual, "attnpool", None), AttentionPool2d):
            self.pool = _ResNetHead(visual)
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
        tokens, blocks = pool.block_inputs(pixels)
        grid = (pixels.shape[-2] // self.patch_size[0], pixels.shape[-1] // self.patch_size[1])

        def qkv(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return pool.qkv(pool.pooling_inputs(rows), grid)

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

    @property
    def last_rows(self) -> Tensor:
        """Rows (N, D) entering the head."""
        return self.features

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


class _PoolingHead(Protocol):
    """A pooling head and the trunk below it.

    Attributes:
        heads: attention heads.
        patches: which of the rows entering the head are patches.
        keys: which of the keys are.
        patch_size, image_size, flexible: see `ImageTower`.
        blocks: the blocks of the transformer below it; empty if the trunk is no transformer of known blocks.
        skipped: number of first rows that leave those blocks and do not enter the head.
    """

    heads: int
    patches: slice
    keys: slice
    patch_size: tuple[int, int]
    image_size: tuple[int, int]
    flexible: bool
    blocks: Sequence[AttentionBlock]
    skipped: int

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the head's weights."""

    def block_inputs(self, pixels: Tensor) -> tuple[Tensor, Sequence[AttentionBlock]]:
        """Return the rows (B, N, D) of pictures (B, 3, H, W) entering the first block, and the blocks."""

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        """Return the rows (N, D) that enter the head, from those that leave the last block."""

    def features(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return the rows (N, D) entering the head, and the (rows, cols) of patches."""

    def qkv(self, features: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the query (1, D), keys and values (M, D) of the attention, all heads side by side."""

    def embed(self, o: Tensor) -> Tensor:
        """Return embeddings (..., E), not normalized, of attention outputs (..., D)."""


class _LatentHead:
    """timm's MAP head on a vision transformer."""

    def __init__(self, visual: Any) -> None:
        self.visual, self.trunk = visual, uncompiled(visual.trunk)
        trunk, pool = self.trunk, self.trunk.attn_pool
        if not hasattr(trunk, "patch_embed") or "pool" in dict(visual.head.named_children()):
            raise TypeError("its attention pooling head is not on a known vision transformer")
        if pool.pool != "token" and pool.latent_len > 1:
            raise TypeError("its attention pooling head averages several queries")
        if pool.pos_embed is not None:
            raise TypeError("its attention pooling head adds positions")
        self.heads = pool.num_heads
        # Eva's head also attends to the class token; a plain vision transformer's only if so configured.
        self.skipped = 0
        if hasattr(trunk, "pool_include_prefix") and not trunk.pool_include_prefix:
            self.skipped = trunk.num_prefix_tokens
        self.patches = self.keys = slice(trunk.num_prefix_tokens - self.skipped, None)
        self.patch_size = timm_patch_size(trunk)
        self.image_size = cast(tuple[int, int], tuple(trunk.patch_embed.img_size))
        self.flexible = supports_dynamic_size(trunk)
        self.blocks: Sequence[AttentionBlock] = timm_blocks(trunk)

    @property
    def dtype(self) -> torch.dtype:
        return cast(torch.dtype, self.trunk.attn_pool.kv.weight.dtype)

    def block_inputs(self, pixels: Tensor) -> tuple[Tensor, Sequence[AttentionBlock]]:
        return timm_tokens(self.trunk, timm_blocks(self.trunk), pixels)

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        return cast(Tensor, self.trunk.norm(rows))

    def features(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        trunk = self.trunk
        with dynamic_image_size(trunk, pixels.shape[-2:]):
            x = trunk.forward_features(pixels.to(self.dtype))[0]
        return x[self.skipped :], timm_grid(trunk, pixels)

    def qkv(self, features: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        pool = self.trunk.attn_pool
        q = pool.q(pool.latent[0, :1])
        k, v = pool.kv(features).chunk(2, -1)
        q = norm_per_head(pool.q_norm, q, self.heads, None)
        return q, norm_per_head(pool.k_norm, k, self.heads, None), v

    def embed(self, o: Tensor) -> Tensor:
        trunk = self.trunk
        pool = trunk.attn_pool
        x = pool.proj(o)
        if pool.mlp is not None:
            x = x + pool.mlp(pool.norm(x))
        return cast(Tensor, self.visual.head(trunk.head(trunk.fc_norm(x))))


class _CocaHead(OpenClipTrunk):
    """CoCa's pooler: its first query gives the image embedding, the others are for the caption decoder."""

    patches = keys = slice(1, None)
    skipped = 0

    def __init__(self, visual: Any) -> None:
        super().__init__(visual)
        contrastive = visual.attn_pool_contrastive
        if contrastive is not None and visual.attn_pool_type != "parallel":
            raise TypeError("its pooled query attends to other queries, not to the patches")
        if contrastive is None and visual.pool_type != "tok":
            raise TypeError(f"it pools its queries by {visual.pool_type!r}, not the first of them")
        self.parallel = contrastive is not None
        self.pooler = contrastive if self.parallel else visual.attn_pool
        self.heads = self.pooler.attn.num_heads

    @property
    def dtype(self) -> torch.dtype:
        return cast(torch.dtype, self.pooler.attn.out_proj.weight.dtype)

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        return cast(Tensor, self.visual.ln_post(rows)) if self.parallel else rows

    def qkv(self, features: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        pooler, attention = self.pooler, self.pooler.attn
        if attention.in_proj_weight is None:
            weights = [attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight]
        else:
            weights = attention.in_proj_weight.chunk(3)
        x = pooler.ln_k(features)
        rows = (pooler.ln_q(pooler.query[:1]), x, x)
        biases = attention.in_proj_bias.chunk(3)
        q, k, v = (F.linear(*a) for a in zip(rows, weights, biases, strict=True))
        return q, k, v

    def embed(self, o: Tensor) -> Tensor:
        # Torch's attention reads the weights of this module without calling it.
        projection = self.pooler.attn.out_proj
        x = F.linear(o, projection.weight, projection.bias)
        if not self.parallel:
            x = self.visual.ln_post(x)
        return cast(Tensor, x if self.visual.proj is None else x @ self.visual.proj)


class _ResNetHead:
    """The head of CLIP's ResNets: the mean of the last feature map is the query, and also a key."""

    patches = slice(None)
    keys = slice(1, None)
    flexible = True
    blocks: Sequence[AttentionBlock] = ()
    skipped = 0

    def __init__(self, visual: Any) -> None:
        self.visual = visual
        self.heads = visual.attnpool.num_heads
        size = visual.image_size
        self.image_size = cast(
            tuple[int, int], tuple(size) if isinstance(size, tuple | list) else (size, size)
        )
        cells = len(visual.attnpool.positional_embedding) - 1
        self.side = round(cells**0.5)  # of the square grid of its positions
        self.patch_size = (self.image_size[0] // self.side, self.image_size[1] // self.side)

    @property
    def dtype(self) -> torch.dtype:
        return cast(torch.dtype, self.visual.attnpool.c_proj.weight.dtype)

    def features(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        visual = self.visual
        x = visual.stem(pixels.to(visual.conv1.weight.dtype))
        for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = layer(x)
        return x[0].flatten(1).T, (x.shape[-2], x.shape[-1])

    def block_inputs(self, pixels: Tensor) -> tuple[Tensor, Sequence[AttentionBlock]]:
        raise ValueError("a convolutional network is no transformer")

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        return rows

    def qkv(self, features: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        pool = self.visual.attnpool
        position = pool.positional_embedding
        if grid != (self.side, self.side):
            position = resample_positions(position, (self.side, self.side), grid)
        x = torch.cat([features.mean(0, keepdim=True), features]) + position.to(features.dtype)
        return pool.q_proj(x[:1]), pool.k_proj(x), pool.v_proj(x)

    def embed(self, o: Tensor) -> Tensor:
        return cast(Tensor, self.visual.attnpool.c_proj(o))
