"""Several pictures' pass through an image tower at once, as far as their maps need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..blocks.attention import no_autocast
from ..blocks.transformer import Transformer


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """The last attention of B pictures of one size: that of their class tokens, or of a pooling head.

    It gives what `ImageTrace` gives of each picture alone with one explained block.

    Attributes:
        grid: (rows, cols) of patches, P in all.
        q: queries (B, D), all heads side by side.
        k, v: keys and values (B, P, D) of the patches.
        o: attention outputs (B, D) before the output projection.
        tail: from such outputs (B, D) to unit embeddings (B, E).
    """

    grid: tuple[int, int]
    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    tail: Callable[[Tensor], Tensor]

    @classmethod
    def of(
        cls, transformer: Transformer, patch_size: tuple[int, int], pixels: Tensor
    ) -> ImageBatch:
        """Run pictures (B, 3, H, W) whose rows a transformer holds, up to its last attention."""
        last = transformer.last_attention(transformer.rows)
        rows, cols = (
            side // patch for side, patch in zip(pixels.shape[2:], patch_size, strict=True)
        )
        patches = slice(-rows * cols, None)
        return cls((rows, cols), last.q, last.k[:, patches], last.v[:, patches], last.o, last.tail)

    @cached_property
    def embedding(self) -> Tensor:
        """Unit image embeddings (B, E)."""
        with torch.no_grad(), no_autocast(self.o):
            return self.tail(self.o)

    def vjp(self, directions: Tensor) -> Tensor:
        """Return the gradients of direction . x with respect to the attention outputs.

        Args:
            directions: K of each picture in the embedding space, (B, K, E).

        Returns:
            (B, K, D).
        """
        with torch.enable_grad(), no_autocast(directions):
            o = self.o.detach().requires_grad_()
            x = self.tail(o)
            along = directions.to(x).transpose(0, 1)
            (gradients,) = torch.autograd.grad(x, o, along, is_grads_batched=True)
        return gradients.transpose(0, 1)
