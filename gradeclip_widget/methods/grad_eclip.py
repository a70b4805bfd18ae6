"""Grad-ECLIP: channel weights from the gradient, loosened spatial weights from queries and keys."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ..clip.blocks.attention import Moves
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.base import TextTrace
from ..clip.text_towers.shares import Shares
from .base import BlockwiseMethod
from .token_shares import caption_moves, caption_shares, weighted_values


class GradEclip(BlockwiseMethod):
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
    priority = 1  # the default

    def block_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (L, K, patches); a pooled feature map counts as one block.

        ``reference=True`` takes the ReLU in every block before they are summed, as the authors' notebook
        does.
        """
        if not trace.reads:
            features, gradients = trace.pull_features(directions)
            patches = features.float()[trace.patches]
            one: Tensor = (gradients.float()[:, trace.patches] * patches).sum(-1)
            return one[None]
        values = torch.stack([weighted_values(r, r.tokens)[r.tokens] for r in trace.reads])
        maps: Tensor = trace.pull(directions).float() @ values.transpose(-1, -2)
        return maps.relu() if self.reference else maps

    def shares(self, trace: TextTrace) -> Shares:
        """Return first-order shares f_j of the embedding (T, E), as `caption_shares` has them."""
        return caption_shares(trace, self.reference)

    def moves(self) -> Moves:
        """Those of `caption_shares`."""
        return partial(caption_moves, reference=self.reference)

    def block_shares(self, trace: TextTrace) -> Shares:
        """Return the terms (L, T, E) that `caption_shares` sums; averaged tokens count as one block."""
        moves = [caption_moves(read, self.reference) for read in trace.reads]
        if not moves:
            return trace.shares(moves).by_block(1)
        # One block's moves at a time, all blocks in one pass.
        blocks = len(moves)
        alone = [move.new_zeros(blocks, *move.shape) for move in moves]
        for n, move in enumerate(moves):
            alone[n][n] = move
        return trace.shares([a.flatten(0, 1) for a in alone]).by_block(blocks)
