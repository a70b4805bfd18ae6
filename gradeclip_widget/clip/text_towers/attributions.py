"""First-order shares of a text embedding, and of a score."""

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
    """What each of K things, tokens most often, gives to a unit text embedding t, to first order.

    Attributes:
        embedded: (K, E), or (L, K, E) of several blocks.
    """

    embedded: Tensor

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return what each gives to the score x . t of a unit image embedding (E,): (K,) or (L, K).

        Attributions that are no derivatives feel no norms.
        """
        with no_autocast(x):
            return self.embedded @ x.to(self.embedded)


@dataclass(frozen=True, eq=False)
class TangentAttributions(Attributions):
    """Attributions that tangents of the pooled token behind the last block become in what follows, the tail.

    ``embedded`` are derivatives of all of it, the last normalizations included. Over everything that the
    pooled token is made of they add up to nothing: they tell what speaks for one word rather than another.

    Attributes:
        tangents: (K, D), or (L, K, D).
        pooled: the pooled token (D,).
        embedding_of: the tail, from pooled tokens (..., D) to unit embeddings (..., E).
    """

    tangents: Tensor
    pooled: Tensor
    embedding_of: Callable[[Tensor], Tensor]

    @classmethod
    @torch.no_grad()
    def of(
        cls, tangents: Tensor, pooled: Tensor, embedding_of: Callable[[Tensor], Tensor]
    ) -> TangentAttributions:
        """Take tangents (K, D) through the tail."""
        pooled = pooled.to(tangents)
        return cls(embedding_jvp(pooled, tangents, embedding_of), tangents, pooled, embedding_of)

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return what each gives to the score x . t of a unit image embedding (E,): (K,) or (L, K).

        With ``freeze_norms`` the scales of the tail's normalizations are held at their values: the final
        norm's, and |y| of the embedding y before it is made a unit vector. Over everything that the pooled
        token is made of they then add up to the score, biases aside: they tell how much each gives.
        """
        if not freeze_norms:
            return super().of_score(x, freeze_norms=False)
        with torch.enable_grad(), FrozenNorms(), no_autocast(x):
            row = self.pooled.detach().requires_grad_()
            t = self.embedding_of(row)
            (gradient,) = torch.autograd.grad(t @ x.to(t), row)
        with no_autocast(x):
            return self.tangents @ gradient.to(self.tangents)

    def by_block(self, blocks: int) -> TangentAttributions:
        """Return shares of rows that stand block under block, (L K, ...) to (L, K, ...)."""
        rows = [part.unflatten(0, (blocks, -1)) for part in (self.embedded, self.tangents)]
        return replace(self, embedded=rows[0], tangents=rows[1])
