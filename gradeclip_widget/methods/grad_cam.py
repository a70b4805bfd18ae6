"""Grad-CAM on the tokens that enter the last block."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ..clip.blocks.attention import Moves
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.base import TextTrace
from ..clip.text_towers.shares import Shares
from .base import Method
from .token_shares import caption_moves, caption_shares


class GradCam(Method):
    """Features of the last block's input, weighted by their mean gradient over all tokens.

    Only the picture's side is Grad-CAM: the caption's tokens are shared out as by Grad-ECLIP.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2, on token features as in the
        baseline of the Grad-ECLIP authors' notebook.
    """

    name = "grad-cam"
    label = "Grad-CAM"

    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (K, patches)."""
        features, gradients = trace.pull_features(directions)
        weights = gradients.float().mean(1)
        return weights @ features.float()[trace.patches].T

    def shares(self, trace: TextTrace) -> Shares:
        """Return those of Grad-ECLIP (T, E)."""
        return caption_shares(trace, self.reference)

    def moves(self) -> Moves:
        """Those of Grad-ECLIP."""
        return partial(caption_moves, reference=self.reference)
