"""The protocol of a transformer block: attention between two row-wise halves."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .forward_mode import DualLayout


class AttentionBlock(Protocol):
    """A transformer block as attention between two row-wise halves, on matrices (..., rows, D).

    With a `DualLayout`, matrices are (rows, D); the rows past the primal ones are tangents of one of them.
    """

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""

    @property
    def heads(self) -> int:
        """Of its attention."""

    @property
    def bias(self) -> Tensor | None:
        """What is added to the attention's logits, (heads, rows, rows), if anything."""

    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Queries of rows that the pooled token is first of, all heads side by side."""

    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values."""

    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""

    def post_attention(self, x: Tensor, o: Tensor, layout: DualLayout | None = None) -> Tensor:
        """What a block makes of attention outputs before their length counts: itself, or a norm of it."""

    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Output rows, from input rows and what `post_attention` made of the attention output."""

    def forward_from_attention(
        self, x: Tensor, o: Tensor, layout: DualLayout | None = None
    ) -> Tensor:
        """Output rows, from input rows and their attention output: `residual_mlp` after `post_attention`."""
