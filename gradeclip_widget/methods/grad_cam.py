"""Grad-CAM on the tokens that enter the last block."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ..clip.blocks.attention import TangentFn
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from .base import Method
from .token_attributions import caption_attributions, caption_tangents


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
        features, gradients = trace.features_vjp(directions)
        weights = gradients.float().mean(1)
        return weights @ features.float()[trace.patches].T

    def token_attributions(self, trace: TextTrace) -> Attributions:
        """Return those of Grad-ECLIP (T, E)."""
        return caption_attributions(trace, self.reference)

    def tangent_fn(self) -> TangentFn:
        """Those of Grad-ECLIP."""
        return partial(caption_tangents, reference=self.reference)
