"""First-order attributions of a text embedding, and of a score, to a caption's tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..blocks.attention import no_autocast
from ..blocks.forward_mode import embedding_jvp
from ..blocks.frozen_norms import FrozenNorms


@dataclass(frozen=True, eq=False)
class Attributions:
    """What each of K parts of a text, usually tokens, contributes to its unit embedding t, to first order.

    Attributes:
        embedding: contributions (K, E), or (L, K, E) of several blocks.
    """

    embedding: Tensor

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return contributions to the score x . t of a unit image embedding (E,): (K,) or (L, K).

        Args:
            x: the image embedding.
            freeze_norms: has no effect here; see `TangentAttributions.of_score`.
        """
        with no_autocast(x):
            return self.embedding @ x.to(self.embedding)


@dataclass(frozen=True, eq=False)
class TangentAttributions(Attributions):
    """Attributions from tangents of the pooled token that leaves the last block.

    ``embedding`` has their derivatives through the rest of the tower (its tail), including the last
    normalizations. Over all parts of the pooled token these add up to zero: they show which tokens support
    the score more than others.

    Attributes:
        tangents: (K, D), or (L, K, D).
        pooled: the pooled token (D,).
        embedding_of: the tail, a function from pooled tokens (..., D) to unit embeddings (..., E).
    """

    tangents: Tensor
    pooled: Tensor
    embedding_of: Callable[[Tensor], Tensor]

    @classmethod
    @torch.no_grad()
    def of(
        cls, tangents: Tensor, pooled: Tensor, embedding_of: Callable[[Tensor], Tensor]
    ) -> TangentAttributions:
        """Propagate tangents (K, D) through the tail."""
        pooled = pooled.to(tangents)
        return cls(embedding_jvp(pooled, tangents, embedding_of), tangents, pooled, embedding_of)

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return contributions to the score x . t of a unit image embedding (E,): (K,) or (L, K).

        Args:
            x: the image embedding.
            freeze_norms: treat the scales of the tail's normalizations as constant: that of the final norm,
                and the length of the embedding before it becomes a unit vector. Over all parts of the pooled
                token the contributions then add up to the score, up to biases.
        """
        if not freeze_norms:
            return super().of_score(x, freeze_norms=False)
        with torch.enable_grad(), FrozenNorms(), no_autocast(x):
            row = self.pooled.detach().requires_grad_()
            t = self.embedding_of(row)
            (gradient,) = torch.autograd.grad(t @ x.to(t), row)
        with no_autocast(x):
            return self.tangents @ gradient.to(self.tangents)

    def split_blocks(self, blocks: int) -> TangentAttributions:
        """Return the same attributions, their rows (L K, ...), block after block, reshaped to (L, K, ...)."""
        rows = [part.unflatten(0, (blocks, -1)) for part in (self.embedding, self.tangents)]
        return replace(self, embedding=rows[0], tangents=rows[1])
