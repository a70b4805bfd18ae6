"""Relevance of tokens to a score, by methods that say nothing of the embedding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..clip.text_towers.attributions import Attributions


@dataclass(frozen=True, eq=False)
class Relevance(Attributions):
    """Relevance of a caption's tokens to its score, without a direction of the embedding space of its own.

    A token's map is then the caption's, times its relevance.

    Attributes:
        relevance: (T,).
    """

    relevance: Tensor

    @classmethod
    def of(cls, relevance: Tensor, embedding: Tensor) -> Relevance:
        """Give relevance (T,) to parts of a caption's unit embedding (E,)."""
        return cls(relevance.to(embedding)[:, None] * embedding, relevance)

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return the relevance (T,), whatever the image embedding and the norms."""
        return self.relevance


def scale_by_length(maps: Tensor, directions: Tensor) -> Tensor:
    """Return maps (K, patches) times the lengths of their directions (K, E)."""
    length: Tensor = directions.norm(dim=-1, keepdim=True)
    return maps * length.to(maps)


def unit_directions(directions: Tensor) -> Tensor:
    """Return directions (K, E) of length one; zeros stay zeros."""
    length: Tensor = directions.norm(dim=-1, keepdim=True)
    return directions / length.clamp_min(torch.finfo(directions.dtype).tiny)
