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

    Grad-CAM defines no attributions for text; this takes those of Grad-ECLIP.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2, on token features as in the
        baseline of the Grad-ECLIP authors' notebook.
    """

    name = "grad-cam"
    label = "Grad-CAM"

    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Return signed maps (K, patches)."""
        features, gradients = trace.features_vjp(directions)
        weights = gradients.float().mean(1)
        return weights @ features.float()[trace.patches].T

    def token_attributions(self, trace: TextTrace) -> Attributions:
        """Return the attributions (T, E) of Grad-ECLIP."""
        return caption_attributions(trace, self.reference)

    def tangent_fn(self) -> TangentFn:
        """Return the tangents of `caption_attributions`."""
        return partial(caption_tangents, reference=self.reference)
