"""Grad-ECLIP: channel weights from the gradient, loosened spatial weights from queries and keys."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks import Read
from ..clip.towers import ImageTrace, TextTrace
from .base import Method


class GradEclip(Method):
    """Gradient-based visual and textual explanation of a CLIP score.

    With o the attention output at the pooled token before the output projection, q its query, k and v
    the tokens' keys and values, and w = dS/do::

        map_i = sum_c w_c  lambda_i v_ic,    lambda_i = minmax_i( cos(q, k_i) )

    The authors take the ReLU of it; here the sign is kept and the faces decide. A tower that pools its last
    feature map instead has no query. There, with v that map and g its gradient ("pooled")::

        map_i = sum_c g_ic v_ic

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024,
        section 3 ("Grad-ECLIP"), and the text side as in arXiv 2502.18816.
    """

    name = "grad-eclip"
    label = "Grad-ECLIP"

    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (K, patches), summed over the explained blocks.

        ``reference=True`` takes the ReLU in every block before that sum, as the authors' notebook does.
        """
        if not trace.reads:
            features, gradients = trace.pull_features(directions)
            patches = features.float()[trace.patches]
            return (gradients.float()[:, trace.patches] * patches).sum(-1)
        total = directions.new_zeros(())
        for w, read in zip(trace.pull(directions), trace.reads, strict=True):
            maps = w.float() @ weighted_values(read, read.tokens)[read.tokens].T
            total = total + (maps.relu() if self.reference else maps)
        return total

    def token_shares(self, trace: TextTrace) -> Tensor:
        """First-order shares f_j = sum_l J_l (lambda_j v_j) of the embedding, (T, E).

        lambda is normalised over the tokens that the pooled one sees, save padding; with ``reference=True``
        over all positions, padding included. A tower that averages its tokens has no query: there f_j is what
        j's own part of the mean gives.
        """
        injected = []
        for read in trace.reads:
            scope = slice(None) if self.reference else slice(read.visible - read.padding)
            injected.append(weighted_values(read, scope)[read.tokens].to(read.v.dtype))
        return trace.push(injected)


def weighted_values(read: Read, scope: slice | Tensor) -> Tensor:
    """lambda_i v_i for every token (N, D), lambda running from 0 to 1 over the tokens in ``scope``."""
    similarity = F.cosine_similarity(read.q.float()[None], read.k.float(), dim=-1)
    low, high = similarity[scope].aminmax()
    if high == low:  # one token, or all alike: nothing to tell them apart by
        return read.v.float()
    return ((similarity - low) / (high - low))[:, None] * read.v.float()
