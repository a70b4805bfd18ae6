"""Image towers: the base class of their families, and the traces of pictures that methods use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from ..blocks.attention import PooledAttention, no_autocast
from ..blocks.transformer import Transformer

_BATCH = 32  # pictures that are run at once, to limit memory


class ImageTrace(ABC):
    """One picture's pass through an image tower.

    Attributes:
        embedding: unit image embedding x (E,).
        grid: (rows, cols) of patches.
        patches: which rows of `features_vjp` are patches, in the order of the grid, row by row.
        attentions: attention of the pooled token in each explained block, lowest block first. Empty for
            towers without a query.
        block_contributions: (L, E), what each block's attention output adds to x, to first order.
        last_rows: (N, D) entering the last explained attention, or the last feature map; `patches` of them
            are patches.
        tower: the tower.
        pixels: the normalized picture (1, 3, H, W).
    """

    grid: tuple[int, int]
    patches: slice
    attentions: Sequence[PooledAttention]
    tower: ImageTower
    pixels: Tensor
    if TYPE_CHECKING:  # properties, since a trace may have them as attributes or compute them

        @property
        @abstractmethod
        def embedding(self) -> Tensor: ...  # noqa: D102

        @property
        @abstractmethod
        def block_contributions(self) -> Tensor: ...  # noqa: D102

        @property
        @abstractmethod
        def last_rows(self) -> Tensor: ...  # noqa: D102

    @cached_property
    def transformer(self) -> Transformer:
        """All blocks of the tower, with this picture's rows; see `ImageTower.transformer`."""
        with torch.no_grad():
            return self.tower.transformer(self.pixels)

    @property
    def patch_features(self) -> list[Tensor]:
        """Rows (P, D) of the patches entering the last attention, and their values there if there is one."""
        values = [a.v[a.tokens] for a in self.attentions[-1:]]
        return [self.last_rows[self.patches], *values]

    @abstractmethod
    def region_embedding(self, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of a region, as if the tower pooled only its patches.

        Args:
            weights: (patches,) 0 to 1, how much of each patch the region covers.
        """

    @abstractmethod
    def vjp(self, directions: Tensor) -> Tensor:
        """Return the gradients of direction . x with respect to the pooled token's attention outputs.

        Args:
            directions: K of them in the embedding space, (K, E).

        Returns:
            (L, K, D), for L explained blocks; L is 0 for towers without a query.
        """

    @abstractmethod
    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input of the last block and the gradients of direction . x with respect to it.

        For towers without a query (``has_query=False``), the last feature map is used instead of that input.

        Args:
            directions: K of them in the embedding space, (K, E).

        Returns:
            Features (N, D) and gradients (K, N, D).
        """


class ImageTower(ABC):
    """Base class of image towers. Each family is a subclass, listed in `registry`.

    Attributes:
        family: name of the family in messages.
        has_query: whether a pooled token attends to the patches; otherwise a feature map is pooled.
        supports_reference: whether the authors' code knows this family.
        has_transformer: whether the tower is a transformer of known blocks; see `transformer`.
        patch_size: (height, width) of a patch in pixels.
        image_size: (height, width) in pixels that the tower was made for.
        depth: number of blocks that can be explained.
        flexible: whether the tower takes pictures of other sizes.
    """

    family: ClassVar[str]
    has_query: bool = True
    supports_reference: bool = False
    has_transformer: bool = False
    patch_size: tuple[int, int]
    image_size: tuple[int, int]
    depth: int
    flexible: bool

    @abstractmethod
    def __init__(self, visual: Any) -> None:
        """View the image tower ``model.visual``.

        Raises:
            TypeError: it belongs to another family. The message begins with "it" and is shown to the user.
        """

    @torch.no_grad()
    def trace(
        self,
        pixels: Tensor,
        layers: int = 1,
        *,
        single_head: bool = False,
        contributions: bool = True,
    ) -> ImageTrace:
        """Run the tower on one picture.

        Args:
            pixels: normalized picture (1, 3, H, W), sides multiples of the patch size.
            layers: how many of the last blocks to explain.
            single_head: run those with one head of full width, as the authors' code does.
            contributions: whether ``block_contributions`` of the trace will be used.

        Raises:
            ValueError: the tower has fewer blocks, or ``single_head=True`` for a family that the authors'
                code does not support.
        """
        check_layers(layers, self.depth)
        if single_head and not self.supports_reference:
            raise ValueError(
                "the authors' code supports only vision transformers with a class token; this image tower is "
                f"of another family: {self.family}"
            )
        trace = self._trace(pixels, layers, single_head, contributions)
        trace.tower, trace.pixels = self, pixels
        return trace

    def transformer(self, pixels: Tensor) -> Transformer:
        """Return all blocks, with the rows of one picture (1, 3, H, W); its passes can be differentiated.

        Raises:
            ValueError: the tower is no transformer of known blocks (``has_transformer``).
        """
        batch = self._transformer(pixels)
        return replace(batch, rows=batch.rows[0])

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Return unit embeddings (B, E) of normalized pictures of one size (B, 3, H, W)."""
        if not self.has_transformer:
            return torch.stack(
                [self.trace(one[None], contributions=False).embedding for one in pixels]
            )
        parts = []
        for some in pixels.split(_BATCH):
            transformer = self._transformer(some)
            parts.append(transformer.embed(transformer.rows))
        return torch.cat(parts)

    @property
    def has_batches(self) -> bool:
        """Whether several pictures can be traced at once; see `trace_batch`."""
        return self.has_query and self.has_transformer

    @torch.no_grad()
    def trace_batch(self, pixels: Tensor) -> ImageBatch:
        """Run the tower on several pictures of one size (B, 3, H, W), to explain its last block.

        Raises:
            ValueError: the tower has no query, or is no transformer of known blocks (``has_batches``).
        """
        if not self.has_query:
            raise ValueError(f"this model's image tower ({self.family}) has no query")
        transformer = self._transformer(pixels)
        return ImageBatch.of(transformer, self.patch_size, pixels)

    def _transformer(self, pixels: Tensor) -> Transformer:
        """Return all blocks, with rows (B, N, D) of several pictures of one size (B, 3, H, W)."""
        raise ValueError(
            f"this model's image tower ({self.family}) is no transformer of known blocks"
        )

    @abstractmethod
    def _trace(
        self, pixels: Tensor, layers: int, single_head: bool, contributions: bool
    ) -> ImageTrace:
        """Run the tower for `trace`, which has checked the arguments and turned gradients off."""


def check_layers(layers: int, depth: int) -> None:
    """Check the number of blocks to explain.

    Args:
        layers: that number.
        depth: number of blocks of the image tower.

    Raises:
        ValueError: the tower does not have so many blocks.
    """
    if not 1 <= layers <= depth:
        has = "one block; give 1" if depth == 1 else f"{depth} blocks; give 1 to {depth}"
        raise ValueError(f"image_layers={layers}: this image tower has {has}")


def gradients(x: Tensor, at: Tensor, directions: Tensor) -> Tensor:
    """Return the gradients (K, ...) of direction . x with respect to ``at``, for directions (K, E)."""
    return torch.stack([torch.autograd.grad(x, at, d, retain_graph=True)[0] for d in directions])


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """The last attention of B pictures of one size: of their class tokens, or of a pooling head.

    It has for each picture what an `ImageTrace` with one explained block has.

    Attributes:
        grid: (rows, cols) of patches, P in all.
        q: queries (B, D), all heads side by side.
        k, v: keys and values (B, P, D) of the patches.
        o: attention outputs (B, D) before the output projection.
        tail: function from such outputs (B, D) to unit embeddings (B, E).
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
        """Run a transformer up to its last attention, with the rows of pictures (B, 3, H, W)."""
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
