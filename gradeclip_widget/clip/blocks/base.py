"""The protocol of a transformer block: attention between two row-wise halves."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .forward_mode import Layout


class Attends(Protocol):
    """A transformer block as attention between two row-wise halves, on matrices (..., rows, D).

    With a `Layout`, matrices are (rows, D), and the rows past the plain ones are directions of one of them.
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

    def query(self, x: Tensor, layout: Layout | None = None) -> Tensor:
        """Queries of rows that the pooled token is first of, all heads side by side."""

    def keys_values(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values."""

    def qkv(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""

    def mix(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """What a block makes of attention outputs before their length counts: itself, or a norm of it."""

    def leave(self, x: Tensor, mixed: Tensor, layout: Layout | None = None) -> Tensor:
        """Output rows, from input rows and what `mix` made of the attention output."""

    def finish(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """Output rows, from input rows and their attention output: `leave` after `mix`."""
