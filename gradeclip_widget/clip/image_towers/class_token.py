"""Image towers pooled by a class token: open_clip's own vision transformers."""

from __future__ import annotations

from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor

from ..blocks.attention import no_autocast
from ..blocks.forward_mode import tail_norm
from ..blocks.open_clip import OpenClipBlock
from ..blocks.transformer import RowPooling, Transformer
from .base import ImageTower
from .class_token_trace import ClassTokenTrace
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
