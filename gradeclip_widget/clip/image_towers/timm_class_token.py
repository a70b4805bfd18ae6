"""Image towers pooled by a class token: timm's transformers (plain, hybrid, EVA, relative positions)."""

from __future__ import annotations

from typing import Any, cast

import torch.nn.functional as F
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_relpos import VisionTransformerRelPos
from torch import Tensor

from ..blocks.attention import no_autocast
from ..blocks.base import uncompiled
from ..blocks.timm import TimmBlock
from ..blocks.transformer import RowPooling, Transformer
from .base import ImageTower
from .class_token import ClassTokenTrace
from .patches import supports_dynamic_size, timm_grid, timm_patch_size, timm_tokens


class TimmClassTokenTower(ImageTower):
    """open_clip's ``TimmModel`` around a timm transformer with ``global_pool="token"``."""

    family = "timm vision transformer with a class token"
    has_transformer = True

    def __init__(self, visual: Any) -> None:
        trunk: Any = uncompiled(getattr(visual, "trunk", None))
        known = isinstance(trunk, VisionTransformer | Eva | VisionTransformerRelPos)
        if not known:
            raise TypeError("it is not a timm vision transformer")
        if getattr(trunk, "attn_pool", None) is not None or trunk.global_pool != "token":
            raise TypeError("its class token is not what it pools")
        self.visual: Any = visual
        self.trunk: Any = trunk
        self.blocks = [TimmBlock.of(b, trunk.num_prefix_tokens) for b in trunk.blocks]
        self.depth = len(self.blocks)
        self.patch_size = timm_patch_size(trunk)
        self.image_size = cast(tuple[int, int], tuple(trunk.patch_embed.img_size))
        self.flexible = supports_dynamic_size(trunk)
        self.patches = slice(trunk.num_prefix_tokens, None)

    def _trace(
        self, pixels: Tensor, layers: int, single_head: bool, contributions: bool
    ) -> ClassTokenTrace:
        tokens, blocks = timm_tokens(self.trunk, self.blocks, pixels)
        grid = timm_grid(self.trunk, pixels)
        return ClassTokenTrace.of(
            self.embedding_of,
            blocks,
            tokens[0],
            grid,
            self.patches,
            layers,
            single_head,
            contributions,
        )

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of class tokens (..., D) leaving the last block."""
        trunk = self.trunk
        with no_autocast(pooled):
            pooled = trunk.fc_norm(trunk.norm(pooled.to(self.blocks[-1].dtype)))
            return F.normalize(self.visual.head(trunk.head(pooled)).float(), dim=-1)

    def _transformer(self, pixels: Tensor) -> Transformer:
        tokens, blocks = timm_tokens(self.trunk, self.blocks, pixels)
        return Transformer(blocks, tokens, self.patches, RowPooling(0, self.embedding_of))
