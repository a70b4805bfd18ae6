"""A picture that has been through the image tower."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..clip.image_towers.base import ImageTrace
from ..clip.preprocessing import Picture


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture's pass through the image tower, to be explained with any number of captions.

    Made by `Explainer.encode`, and good for explainers of the same model and image side. It is a picture of
    the model as it was: encode anew once weights have changed.
    """

    picture: Picture = field(repr=False)
    trace: ImageTrace = field(repr=False)
    embedding: Tensor = field(repr=False)  # (E,) of the model's own heads
    settings: tuple[Any, ...] = field(repr=False)  # of the explainer's image side
