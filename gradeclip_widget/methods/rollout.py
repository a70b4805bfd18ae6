"""Attention rollout: attention of all blocks multiplied, with the residual connections as identities."""

from __future__ import annotations

import torch
from torch import Tensor

from ..clip.blocks.attention import no_autocast
from ..clip.blocks.transformer import Transformer
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .base import Method
from .token_attributions import Relevance, scale_by_length


class Rollout(Method):
    """How much of each token attention passes on to the embedding. The map is the same for every text.

    With W_l the attention weights of block l, mean over heads, and p the weight of each token in the
    pooling::

        relevance = p  A_L ... A_2 A_1,    A_l = (W_l + I) / 2

    The paper uses one row of that product, that of the class token. So does p for a tower with a class token.
    For averaged tokens p is their shares of the mean, and for a pooling head the attention weights of its
    query, mean over heads. That query has no residual connection, hence no identity.

    For a text tower of unknown blocks the attributions of Grad-ECLIP are used.

    Reference:
        Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, section 3 ("Attention
        rollout").
    """

    name = "rollout"
    label = "Attention rollout"
    purpose = "Which patches and words attention passes on, over all layers."
    limits = "The text: the map is the same for every sentence and word."
    needs_transformer = True

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return the same map in each of the K rows (K, patches), times the direction's length."""
        relevance = _rollout(trace.transformer)
        return scale_by_length(relevance.expand(len(directions), -1), directions)

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return the relevance of the caption's tokens, which does not depend on the picture."""
        if not trace.tower.has_transformer:
            return super().token_attributions(trace, image, progress)
        return Relevance.of(_rollout(trace.transformer), trace.embedding)


def _rollout(transformer: Transformer) -> Tensor:
    """Return the relevance of the explained rows."""
    with torch.no_grad(), no_autocast(transformer.rows):
        relevance = transformer.pooling.weights(transformer.inputs[-1]).float().mean(0)
        means = [weights.float().mean(0) for weights in transformer.weights()]
        for attention in reversed(means):
            relevance = (relevance @ attention + relevance) / 2
    return relevance[transformer.explained]
