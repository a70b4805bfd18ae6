"""Image towers that average their last feature map: ConvNeXt, FastViT, Swin, ViTamin, averaged tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
import torch.nn.functional as F
from timm.models.convnext import ConvNeXt
from timm.models.eva import Eva
from timm.models.fastvit import FastVit
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from ..blocks.attention import PooledAttention, no_autocast
from ..blocks.base import AttentionBlock, uncompiled
from ..blocks.transformer import MeanPooling, Transformer
from .base import ImageTower, ImageTrace, gradients
from .patches import (
    OpenClipTrunk,
    dynamic_image_size,
    supports_dynamic_size,
    timm_blocks,
    timm_grid,
    timm_patch_size,
    timm_tokens,
)

_MAPS = (ConvNeXt, FastVit, SwinTransformer)


class FeatureMapTower(ImageTower):
    """A tower that makes its embedding from the average of its last feature map.

    It is any timm trunk without class token or attention pooling in open_clip's ``TimmModel``, or
    open_clip's own vision transformer with ``pool_type="avg"`` (CLIPA).

    The map of an explanation is gradient times feature. Scaling a whole feature map hardly changes the unit
    embedding, so such a map sums to about zero: patches that support the text more than average are positive.
    """

    family = "pooled feature map"
    depth = 1
    has_query = False

    def __init__(self, visual: Any) -> None:
        self.map: _TimmMap | _OpenClipMap
        if hasattr(visual, "trunk") and hasattr(visual, "head"):
            self.map = _TimmMap(visual)
        elif getattr(visual, "pool_type", None) == "avg" and visual.attn_pool is None:
            self.map = _OpenClipMap(visual)
        else:
            raise TypeError("it does not average its last feature map")
        self.patch_size = self.map.patch_size
        self.image_size = self.map.image_size
        self.flexible = self.map.flexible
        self.has_transformer = bool(self.map.blocks)

    def _trace(
        self, pixels: Tensor, layers: int, single_head: bool, contributions: bool
    ) -> FeatureMapTrace:
        rows, grid = self.map.features(pixels)
        patches = slice(len(rows) - grid[0] * grid[1], None)
        return FeatureMapTrace(self, grid, patches, rows)

    def _transformer(self, pixels: Tensor) -> Transformer:
        if not self.has_transformer:
            return super()._transformer(pixels)
        rows, blocks = self.map.block_inputs(pixels)
        rows = rows.to(blocks[0].dtype)
        grid = (pixels.shape[-2] // self.patch_size[0], pixels.shape[-1] // self.patch_size[1])
        patches = slice(rows.shape[1] - grid[0] * grid[1], None)

        def tail(rows: Tensor) -> Tensor:
            return self.embedding_of(self.map.pooling_inputs(rows), grid)

        return Transformer(blocks, rows, patches, MeanPooling(patches, tail))

    def embedding_of(self, rows: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return the unit embedding (E,) of feature rows (N, C)."""
        with no_autocast(rows):
            return F.normalize(self.map.pool(rows.to(self.map.dtype), grid).float(), dim=-1)


@dataclass(eq=False)
class FeatureMapTrace(ImageTrace):
    """One picture's last feature map. There is no attention to it, so ``attentions`` is empty.

    Attributes:
        tower: the tower.
        features: the feature map (N, C), position by position.
    """

    tower: FeatureMapTower
    grid: tuple[int, int]
    patches: slice
    features: Tensor
    attentions: tuple[PooledAttention, ...] = ()

    @cached_property
    def embedding(self) -> Tensor:
        """Unit image embedding x (E,)."""
        with torch.no_grad():
            return self.tower.embedding_of(self.features, self.grid)

    @cached_property
    def block_contributions(self) -> Tensor:
        """(1, E), what the feature map adds to x: all of x, which is made from nothing else."""
        return self.embedding[None]

    @property
    def last_rows(self) -> Tensor:
        """The last feature map (N, C)."""
        return self.features

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region, from the mean over its patches.

        Args:
            weights: (patches,) 0 to 1, how much of each patch the region covers. A patch counts if it is
                covered at least half as much as the patch that is covered most.
        """
        inside = (weights >= weights.max() / 2).to(self.features.device)
        before, patches = self.features[: self.patches.start or 0], self.features[self.patches]
        rows = torch.cat([before, patches[inside]])
        with torch.no_grad():
            return self.tower.embedding_of(rows, (int(inside.sum()), 1))

    def vjp(self, directions: Tensor) -> Tensor:
        """Return an empty tensor (0, K, 0): there is no attention output."""
        return directions.new_zeros(0, len(directions), 0)

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last feature map (N, C), and gradients (K, N, C) of direction . x there."""
        with torch.enable_grad(), no_autocast(directions):
            features = self.features.detach().to(self.tower.map.dtype).requires_grad_()
            x = self.tower.embedding_of(features, self.grid)
            return self.features, gradients(x, features, directions)


class _TimmMap:
    """The feature map of a timm trunk, between ``forward_features`` and ``forward_head``."""

    def __init__(self, visual: Any) -> None:
        trunk = uncompiled(visual.trunk)
        if getattr(trunk, "attn_pool", None) is not None or hasattr(visual.head, "pool"):
            raise TypeError("it does not average its last feature map, but has a pooling head")
        if getattr(trunk, "global_pool", None) in ("", "token"):
            raise TypeError("it does not average its last feature map")
        self.visual, self.trunk = visual, trunk
        self.tokens = isinstance(trunk, VisionTransformer | Eva)
        if not self.tokens and not isinstance(trunk, _MAPS) and not _has_map(trunk):
            raise TypeError(f"the last feature map of {type(trunk).__name__} has an unknown layout")
        if self.tokens:
            self.patch_size = timm_patch_size(trunk)
            self.image_size = cast(tuple[int, int], tuple(trunk.patch_embed.img_size))
        else:
            self.image_size = cast(tuple[int, int], tuple(visual.image_size))
            stride = trunk.feature_info[-1]["reduction"]
            self.patch_size = (stride, stride)
        self.blocks = timm_blocks(trunk)
        self.channels_last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        self.flexible = supports_dynamic_size(trunk) or isinstance(trunk, ConvNeXt | FastVit)

    @property
    def dtype(self) -> torch.dtype:
        return cast(torch.dtype, next(self.visual.parameters()).dtype)

    def features(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        trunk = self.trunk
        if self.tokens:
            with dynamic_image_size(trunk, pixels.shape[-2:]):
                return trunk.forward_features(pixels.to(self.dtype))[0], timm_grid(trunk, pixels)
        cells = trunk.forward_features(pixels.to(self.dtype))[0]
        if not self.channels_last:
            cells = cells.permute(1, 2, 0)
        return cells.flatten(0, 1), (cells.shape[0], cells.shape[1])

    def block_inputs(self, pixels: Tensor) -> tuple[Tensor, Sequence[AttentionBlock]]:
        return timm_tokens(self.trunk, self.blocks, pixels)

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        return cast(Tensor, self.trunk.norm(rows))

    def pool(self, rows: Tensor, grid: tuple[int, int]) -> Tensor:
        trunk = self.trunk
        features = rows[None]
        if not self.tokens:
            features = rows.unflatten(0, grid)[None]
            if not self.channels_last:
                features = features.permute(0, 3, 1, 2)
        return cast(Tensor, self.visual.head(trunk.forward_head(features))[0])


def _has_map(trunk: Any) -> bool:
    """Return whether a trunk ends in a feature map, according to timm's configuration of it."""
    config = getattr(trunk, "default_cfg", None) or {}
    parts = ("feature_info", "forward_features", "forward_head")
    return bool(config.get("pool_size")) and all(hasattr(trunk, part) for part in parts)


class _OpenClipMap(OpenClipTrunk):
    """The averaged patches of open_clip's vision transformer."""

    @property
    def dtype(self) -> torch.dtype:
        return cast(torch.dtype, self.visual.conv1.weight.dtype)

    def pooling_inputs(self, rows: Tensor) -> Tensor:
        visual = self.visual
        return rows if visual.final_ln_after_pool else cast(Tensor, visual.ln_post(rows))

    def pool(self, rows: Tensor, grid: tuple[int, int]) -> Tensor:
        visual = self.visual
        pooled = rows[1:].mean(0)
        if visual.final_ln_after_pool:
            pooled = visual.ln_post(pooled)
        return cast(Tensor, pooled if visual.proj is None else pooled @ visual.proj)
