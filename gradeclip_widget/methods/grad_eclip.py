"""Grad-ECLIP: channel weights from the gradient, loosened spatial weights from queries and keys."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import PooledAttention
from ..clip.image_towers.base import ImageBatch, ImageTower, ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from .base import BlockwiseMethod
from .token_attributions import caption_tangents, weighted_values


class GradEclip(BlockwiseMethod):
    """Gradient-based visual and textual explanation of a CLIP score.

    With o the attention output at the pooled token before the output projection, q its query, k and v
    the tokens' keys and values, and w = dS/do::

        map_i = sum_c w_c  lambda_i v_ic,    lambda_i = minmax_i( cos(q, k_i) )

    The authors take the ReLU of it; here the sign is kept. A tower that pools its last feature map has no
    query. For it, with v that map and g its gradient ("pooled")::

        map_i = sum_c g_ic v_ic

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024,
        section 3 ("Grad-ECLIP"), and the text side as in arXiv 2502.18816.
    """

    name = "grad-eclip"
    label = "Grad-ECLIP"
    purpose = "Which patches and words the score depends on, fast for any number of words."
    limits = "What earlier layers read: it explains the last ones."
    has_batches = True

    def label_for(self, image: ImageTower) -> str:
        """Return the label, with "(pooled)" for a tower that pools its last feature map."""
        return self.label if image.has_query else f"{self.label} (pooled)"

    def block_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Return signed maps (L, K, patches); a pooled feature map counts as one block.

        With ``reference=True`` the ReLU of every block's map is taken, as in the authors' notebook.
        """
        if not trace.attentions:
            features, gradients = trace.features_vjp(directions)
            patches = features.float()[trace.patches]
            one: Tensor = (gradients.float()[:, trace.patches] * patches).sum(-1)
            return one[None]
        values = torch.stack([self.patch_values(attention) for attention in trace.attentions])
        maps: Tensor = trace.vjp(directions).float() @ values.transpose(-1, -2)
        return maps.relu() if self.reference else maps

    def batch_maps(self, batch: ImageBatch, directions: Tensor) -> Tensor:
        """Return signed maps (B, K, patches), for K directions of each picture (B, K, E)."""
        return batch.vjp(directions).float() @ self.batch_values(batch).transpose(-1, -2)

    def batch_values(self, batch: ImageBatch) -> Tensor:
        """Return lambda_i v_i (B, patches, D)."""
        similarity = F.cosine_similarity(batch.q.float()[:, None], batch.k.float(), dim=-1)
        low, high = similarity.aminmax(dim=1, keepdim=True)
        weights = torch.where(high == low, 1.0, (similarity - low) / (high - low))
        return weights[..., None] * batch.v.float()

    def block_attributions(self, trace: TextTrace) -> Attributions:
        """Return the terms (L, T, E) that `token_attributions` sums; averaged tokens count as one block."""
        tangents = [self.token_values(attention) for attention in trace.attentions]
        if not tangents:
            return trace.propagate([]).split_blocks(1)
        # L x T rows in one pass: those of block l have tangents only in block l.
        blocks = len(tangents)
        alone = [rows.new_zeros(blocks, *rows.shape) for rows in tangents]
        for n, rows in enumerate(tangents):
            alone[n][n] = rows
        return trace.propagate([rows.flatten(0, 1) for rows in alone]).split_blocks(blocks)

    def patch_values(self, attention: PooledAttention) -> Tensor:
        """Return lambda_i v_i (patches, D) of one block."""
        return weighted_values(attention, attention.tokens)[attention.tokens]

    def token_values(self, attention: PooledAttention) -> Tensor:
        """Return lambda_j v_j (T, D) of a caption's tokens in one block."""
        return caption_tangents(attention, self.reference)
