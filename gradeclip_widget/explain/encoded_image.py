"""A picture's pass through the image tower."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..clip.image_towers.base import ImageTrace
from ..clip.preprocessing import Picture
from ..core.progress import Progress
from .setup import Setup


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture's pass through the image tower, to be explained with any number of captions.

    `Explainer.encode` makes one; it can be explained by every explainer of the same model and the same
    options of the image side. It holds what the model's weights gave then: encode the picture again once they
    have changed.
    """

    picture: Picture = field(repr=False)
    trace: ImageTrace = field(repr=False)
    embedding: Tensor = field(repr=False)  # (E,) of the model's own heads
    setup: Setup = field(repr=False)

    def check(self, setup: Setup) -> None:
        """Raise ``ValueError`` unless encoding the picture with this setup gives the same."""
        made, wanted = self.setup, setup
        if made.clip is not wanted.clip or made.settings.image_side != wanted.settings.image_side:
            raise ValueError(
                "the picture was encoded by another model or with another reference, image_layers, fit or "
                "resolution; encode it with this explainer"
            )


def encode_image(setup: Setup, image: Any, progress: Progress) -> EncodedImage:
    """Run the image tower on a picture; see `Explainer.encode`."""
    clip, picture = setup.clip, setup.picture(image)
    progress("image tower", 0, None)
    with clip.inference_context():
        trace = setup.trace(picture)
        embedding = trace.embedding
        if setup.settings.reference:  # the authors' text side takes the model's own image embedding
            pixels = clip.to_device(picture.pixels)
            embedding = clip.image_tower.trace(pixels, contributions=False).embedding
    return EncodedImage(picture, trace, embedding, setup)
