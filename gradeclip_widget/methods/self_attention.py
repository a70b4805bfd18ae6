"""Raw attention of the pooled token in the last block, which does not depend on the other tower."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import PooledAttention
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .base import Method


class SelfAttention(Method):
    """Attention weights of the pooled token, mean over heads. The map is the same for every text."""

    name = "self-attention"
    label = "Self-attention"
    purpose = "Where the model looks in its last layer."
    limits = "The text: the map is the same for every sentence and word."
    needs_query = True

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return the same map in each of the K rows (K, patches)."""
        return _weights(trace.attentions[-1]).expand(len(directions), -1)

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return the caption's embedding, split by the pooled token's attention, (T, E)."""
        return Attributions(_weights(trace.attentions[-1])[:, None] * trace.embedding)


def _weights(attention: PooledAttention) -> Tensor:
    weights = attention.weights().float().mean(0)
    hidden = len(attention.k) - attention.visible
    return F.pad(weights, (0, hidden))[attention.tokens]
