"""Image towers whose patches are read once, at the end, by the query of an attention pooling head."""

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
from .pooling_heads import CocaHead, LatentHead, PoolingHead, ResNetHead


class AttentionPoolingTower:
    """A tower whose last step is attention of a single query over the patches.

    The query asks once, after all blocks, so there is one block to explain: the head. It is timm's
    ``AttentionPoolLatent`` (the MAP head of SigLIP and of the Perception Encoder), open_clip's
    ``AttentionalPooler`` (CoCa) or its ``AttentionPool2d`` (CLIP's ResNets).
    """

    family = "attention pooling head"
    depth = 1
    has_query = True
    supports_reference = False

    def __init__(self, visual: Any) -> None:
        """View the tower ``model.visual``.

        Raises:
            TypeError: it is of another family.
        """
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

    @torch.no_grad()
    def trace(
        self,
        pixels: Tensor,
        layers: int = 1,
        *,
        single_head: bool = False,
        contributions: bool = True,
    ) -> AttentionPoolingTrace:
        """Run the tower on one picture.

        Args:
            pixels: normalised picture (1, 3, H, W), sides multiples of the patch size.
            layers: 1, the pooling head.
            single_head: not for this family.
            contributions: taken for the protocol's sake; they cost nothing here.

        Raises:
            ValueError: more blocks, or a single head, are asked for.
        """
        if layers != 1:
            raise ValueError(
                f"image_layers={layers}: this tower's patches are read once, by its {self.family}; give 1"
            )
        if single_head:
            raise ValueError("the authors' code knows no attention pooling head")
        features, grid = self.pool.features(pixels)
        q, k, v = self.pool.qkv(features, grid)
        o = attend(q, k, v, self.pool.heads)
        attention = PooledAttention(q[0], k, v, o[0], self.pool.heads, len(k), self.pool.keys)
        return AttentionPoolingTrace(self, grid, self.pool.patches, [attention], features)

    def embedding_of(self, o: Tensor) -> Tensor:
        """Unit embeddings (..., E) of attention outputs (..., D) before their projection."""
        with no_autocast(o):
            return F.normalize(self.pool.embed(o.to(self.pool.dtype)).float(), dim=-1)


@dataclass(eq=False)
class AttentionPoolingTrace:
    """What a pooling head's query read of one picture."""

    tower: AttentionPoolingTower
    grid: tuple[int, int]  # (rows, cols)
    patches: slice
    attentions: list[PooledAttention]  # one
    features: Tensor  # (N, D) entering the head

    @cached_property
    def embedding(self) -> Tensor:
        """(E,) unit image embedding x."""
        with torch.no_grad():
            return self.tower.embedding_of(self.attentions[0].o)

    @cached_property
    def block_contributions(self) -> Tensor:
        """(1, E) what the head's attention output adds to x, to first order."""
        o = self.attentions[0].o.to(self.tower.pool.dtype)
        with torch.no_grad(), no_autocast(o):
            return embedding_jvp(o, o[None], self.tower.embedding_of)

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region, which the head's query reads alone.

        Args:
            weights: (patches,) how much of each patch the region covers, 0 to 1.
        """
        with torch.no_grad():
            return self.tower.embedding_of(attend_to_region(self.attentions[0], weights))

    def vjp(self, directions: Tensor) -> Tensor:
        """Channel weights w = d(direction . x)/do: (K, E) to (1, K, D)."""
        with torch.enable_grad(), no_autocast(directions):
            o = self.attentions[0].o.detach()[None].to(self.tower.pool.dtype).requires_grad_()
            x = self.tower.embedding_of(o)
            (w,) = torch.autograd.grad(x, o, directions[:, None], is_grads_batched=True)
        return w[:, 0][None]

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """What enters the head (N, D), and the gradients (K, N, D) of direction . x there."""
        with torch.enable_grad():
            features = self.features.detach().requires_grad_()
            o = attend(*self.tower.pool.qkv(features, self.grid), self.attentions[0].heads)
            x = self.tower.embedding_of(o)[0]
            rows = [torch.autograd.grad(x, features, d, retain_graph=True)[0] for d in directions]
        return self.features, torch.stack(rows)
