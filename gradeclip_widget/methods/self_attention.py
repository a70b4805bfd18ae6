"""Raw attention of the pooled token in the last block: what it looks at, whatever the other side says."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import Read
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.base import TextTrace
from ..clip.text_towers.shares import Shares
from .base import Method


class SelfAttention(Method):
    """Attention weights of the pooled token, mean over heads. The same map for every text."""

    name = "self-attention"
    label = "Self-attention"
    needs_query = True

    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """The same map in each of the K rows (K, patches)."""
        return _weights(trace.reads[-1]).expand(len(directions), -1)

    def shares(self, trace: TextTrace) -> Shares:
        """Return the caption's embedding, shared out by the attention of EOT, (T, E)."""
        return Shares(_weights(trace.reads[-1])[:, None] * trace.embedding)


def _weights(read: Read) -> Tensor:
    weights = read.attention().float().mean(0)
    hidden = len(read.k) - read.visible
    return F.pad(weights, (0, hidden))[read.tokens]
