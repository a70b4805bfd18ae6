"""A transformer block in two halves: attention, then what the block makes of each row by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from .forward_mode import DualLayout


def uncompiled(module: Any) -> Any:
    """Return the module that `torch.compile` wrapped; other modules as they are."""
    return getattr(module, "_orig_mod", module)


class AttentionBlock(ABC):
    """A view of a transformer block that takes it apart around its attention.

    Matrices are (..., rows, D). With a `DualLayout` they are (rows, D), and the rows past the primal ones are
    tangents of one of them.

    Attributes:
        heads: attention heads.
    """

    heads: int

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Dtype of its weights."""

    @property
    def bias(self) -> Tensor | None:
        """What it adds to the attention logits, (heads, rows, rows), or ``None``."""
        return None

    @abstractmethod
    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return queries (..., rows, D), all heads side by side, of rows that begin with the pooled token."""

    @abstractmethod
    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Return keys and values."""

    @abstractmethod
    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values."""

    def post_attention(self, x: Tensor, o: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return attention outputs ``o`` of input rows ``x`` as they enter the rest of the block.

        They are unchanged in most blocks; some normalize or gate them.
        """
        return o

    @abstractmethod
    def attention_branch(self, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return what is added to the rows before the MLP, from the result of `post_attention`."""

    @abstractmethod
    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return output rows, from input rows and the result of `post_attention`."""

    def forward_from_attention(
        self, x: Tensor, o: Tensor, layout: DualLayout | None = None
    ) -> Tensor:
        """Return output rows, from input rows and their attention outputs."""
        return self.residual_mlp(x, self.post_attention(x, o, layout), layout)
