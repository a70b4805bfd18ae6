"""What every image and text tower offers to the methods, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import Moves, Read, exact
from ..tokenizers.frame import SOT_EOT, Frame
from .shares import TangentShares


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


def text_embedding(text: Any, pooled: Tensor) -> Tensor:
    """Unit embeddings (..., E) of pooled tokens (..., D) leaving an open_clip text tower's last block."""
    with exact(pooled):
        pooled = text.ln_final(pooled)
        if isinstance(text.text_projection, nn.Linear):
            pooled = text.text_projection(pooled)
        elif text.text_projection is not None:
            pooled = pooled @ text.text_projection
        return F.normalize(pooled.float(), dim=-1)
