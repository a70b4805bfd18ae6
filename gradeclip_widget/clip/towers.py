"""What every image and text tower offers to the methods, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from .blocks.attention import Moves, Read
from .shares import TangentShares


class ImageTrace(Protocol):
    """One picture's pass through an image tower."""

    embedding: Tensor  # (E,) unit image embedding x
    grid: tuple[int, int]  # (rows, cols) of patches
    patches: slice  # those among the rows of `pull_features`
    reads: Sequence[Read]  # of the explained blocks, shallowest first; none where nothing asks
    block_effects: Tensor  # (L, E): what each block's attention output adds to x, to first order

    def region_embedding(self, weights: Tensor) -> Tensor:
        """Unit embedding (E,) of what is read where ``weights`` (patches,) are, 0 to 1, and nowhere else."""

    def pull(self, directions: Tensor) -> Tensor:
        """Channel weights w = d(direction . x)/do: (K, E) to (explained blocks, K, D)."""

    def pull_features(self, directions: Tensor) -> tuple[Tensor, Tensor]:
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
    in_reference: bool  # whether the authors' code knows this family

    def trace(
        self, pixels: Tensor, layers: int = 1, *, single_head: bool = False, effects: bool = True
    ) -> ImageTrace:
        """Run the tower on one normalised picture (1, 3, H, W)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a tokenizer puts around a caption's own tokens.

    Attributes:
        lead, tail: how many special tokens stand before and after them, as SOT and EOT do.
        pad: the token that fills up the context length, for towers that read it.
    """

    lead: int = 1
    tail: int = 1
    pad: int = 0


SOT_EOT = Frame()


class TextTrace(Protocol):
    """One caption's pass through a text tower."""

    embedding: Tensor  # (E,) unit text embedding t
    reads: Sequence[Read]  # of the explained blocks, shallowest first; none where nothing asks
    carried: TangentShares | None  # `shares` of the moves that `run` took along, if it did
    block_effects: Tensor  # (L, E): what each block's attention output adds to t, to first order

    def shares(self, at_o: Sequence[Tensor]) -> TangentShares:
        """Return the sum over the explained blocks of J_l a_l, from a_l (K, D) per block.

        Where nothing asks there is no block to give moves for: what each token's own part of the mean gives.
        """


class TextTower(Protocol):
    """Floor 2's text side. Token ids are framed, as from SOT to EOT, without padding."""

    family: str
    context_length: int
    depth: int
    has_query: bool  # whether a pooled token asks; else the tokens are averaged
    in_reference: bool  # whether the authors' code knows this family
    ends_at_eot: bool  # whether nothing after the first EOT token is read
    usual_layers: int  # how many of the last blocks to explain where nobody says
    token_embedding: nn.Module  # called in every pass, with ids to embeddings (..., D)

    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        frame: Frame = SOT_EOT,
        moves: Moves | None = None,
    ) -> tuple[Tensor, TextTrace]:
        """Unit embeddings (K, E) of all sequences, and the first one's trace; 0 ``layers`` trace nothing.

        ``moves`` of what is read in the explained blocks are taken along where that saves a pass.
        """

    def trace(self, ids: Sequence[int], layers: int, single_head: bool = False) -> TextTrace:
        """Trace one sequence padded to the context length, as the authors' notebook does."""

    def encode(self, ids: Tensor, frame: Frame = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of framed captions of one length (B, L).

        Plain autograd reaches the token embeddings, which `run` does without.
        """
