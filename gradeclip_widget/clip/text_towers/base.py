"""What every image and text tower offers to the methods, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, no_autocast
from ..tokenizers.special_tokens import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions


class TextTrace(Protocol):
    """One caption's pass through a text tower."""

    embedding: Tensor  # (E,) unit text embedding t
    attentions: Sequence[
        PooledAttention
    ]  # of the explained blocks, shallowest first; none where nothing asks
    propagated: TangentAttributions | None  # `shares` of the moves that `run` took along, if it did
    block_contributions: (
        Tensor  # (L, E): what each block's attention output adds to t, to first order
    )

    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return the sum over the explained blocks of J_l a_l, from a_l (K, D) per block.

        Where nothing asks there is no block to give moves for: what each token's own part of the mean gives.
        """


class TextTower(Protocol):
    """Floor 2's text side. Token ids are framed, as from SOT to EOT, without padding."""

    family: str
    context_length: int
    depth: int
    has_query: bool  # whether a pooled token asks; else the tokens are averaged
    supports_reference: bool  # whether the authors' code knows this family
    ends_at_eot: bool  # whether nothing after the first EOT token is read
    default_text_layers: int  # how many of the last blocks to explain where nobody says
    token_embedding: nn.Module  # called in every pass, with ids to embeddings (..., D)

    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens = SOT_EOT,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, TextTrace]:
        """Unit embeddings (K, E) of all sequences, and the first one's trace; 0 ``layers`` trace nothing.

        ``tangent_fn`` of what is read in the explained blocks are taken along where that saves a pass.
        """

    def trace(self, ids: Sequence[int], layers: int, single_head: bool = False) -> TextTrace:
        """Trace one sequence padded to the context length, as the authors' notebook does."""

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of framed captions of one length (B, L).

        Plain autograd reaches the token embeddings, which `run` does without.
        """


def text_embedding(text: Any, pooled: Tensor) -> Tensor:
    """Unit embeddings (..., E) of pooled tokens (..., D) leaving an open_clip text tower's last block."""
    with no_autocast(pooled):
        pooled = text.ln_final(pooled)
        if isinstance(text.text_projection, nn.Linear):
            pooled = text.text_projection(pooled)
        elif text.text_projection is not None:
            pooled = pooled @ text.text_projection
        return F.normalize(pooled.float(), dim=-1)
