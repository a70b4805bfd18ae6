"""What every image tower offers to the methods, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from ..blocks.attention import PooledAttention


class ImageTrace(Protocol):
    """One picture's pass through an image tower."""

    embedding: Tensor  # (E,) unit image embedding x
    grid: tuple[int, int]  # (rows, cols) of patches
    patches: slice  # those among the rows of `features_vjp`
    attentions: Sequence[
        PooledAttention
    ]  # of the explained blocks, shallowest first; none where nothing asks
    block_contributions: (
        Tensor  # (L, E): what each block's attention output adds to x, to first order
    )

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Unit embedding (E,) of what is read where ``weights`` (patches,) are, 0 to 1, and nowhere else."""

    def vjp(self, directions: Tensor) -> Tensor:
        """Channel weights w = d(direction . x)/do: (K, E) to (explained blocks, K, D)."""

    def features_vjp(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """The last block's input (N, D), and the gradients (K, N, D) of direction . x there.

        Where nothing asks, the last feature map instead.
        """


class ImageTower(Protocol):
    """Floor 2's image side."""

    family: str
    patch_size: tuple[int, int]  # (height, width) in pixels
    image_size: tuple[int, int]  # (height, width) in pixels that the tower was made for
    depth: int  # blocks
    flexible: bool  # whether it takes pictures of other sizes
    has_query: bool  # whether a pooled token asks; else a feature map is pooled
    supports_reference: bool  # whether the authors' code knows this family

    def trace(
        self,
        pixels: Tensor,
        layers: int = 1,
        *,
        single_head: bool = False,
        contributions: bool = True,
    ) -> ImageTrace:
        """Run the tower on one normalised picture (1, 3, H, W)."""


def check_layers(layers: int, depth: int) -> None:
    """Raise ``ValueError`` where an image tower does not have so many blocks to explain."""
    if not 1 <= layers <= depth:
        has = "one block; give 1" if depth == 1 else f"{depth} blocks; give 1 to {depth}"
        raise ValueError(f"image_layers={layers}: this image tower has {has}")
