"""Grad-CAM on the tokens that enter the last block."""

from __future__ import annotations

from torch import Tensor

from ..clip.image_towers.base import ImageTrace
from ..core.progress import Progress, no_progress
from .base import Method


class GradCam(Method):
    """Features of the last block's input, weighted by their mean gradient over all tokens.

    Grad-CAM defines no attributions for text; those of Grad-ECLIP are used.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2, on token features as in the
        baseline of the Grad-ECLIP authors' notebook.
    """

    name = "grad-cam"
    label = "Grad-CAM"
    purpose = "The best-known baseline, made for convolutional networks."
    limits = "Where exactly a thing is: with transformers it often points beside it."

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches)."""
        features, gradients = trace.features_vjp(directions)
        weights = gradients.float().mean(1)
        return weights @ features.float()[trace.patches].T
