"""A picture's pass through the image tower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..clip.image_towers.base import ImageTrace
from ..clip.preprocessing import Picture
from ..clip.tokenizers.base import Tokens
from ..core.progress import Progress
from .setup import Setup


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture's pass through the image tower, to be explained with any number of captions.

    `Explainer.encode` makes one; it can be explained by every explainer of the same model and the same
    options of the image side, until the model changes.
    """

    picture: Picture = field(repr=False)
    trace: ImageTrace = field(repr=False)
    embedding: Tensor = field(repr=False)  # (E,) of the model's own heads
    setup: Setup = field(repr=False)
    version: object = field(repr=False)  # of the model then
    foreign: bool = False  # whether the picture is unlike what the model was trained on

    def check(self, setup: Setup) -> None:
        """Raise ``ValueError`` unless encoding the picture with this setup gives the same."""
        made, wanted = self.setup, setup
        if made.clip is not wanted.clip or made.settings.image_side != wanted.settings.image_side:
            raise ValueError(
                "the picture was encoded by another model or with another reference, image_layers, fit or "
                "resolution; encode it with this explainer"
            )

    def check_version(self) -> None:
        """Raise ``ValueError`` if the model has changed since; inside `ClipModel.inference_context`."""
        clip = self.setup.clip
        if self.version is not clip.version:
            raise ValueError(
                f"the model {clip.name} has changed since the picture was encoded; encode it again"
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
        version = clip.version
        (foreign,) = clip.are_foreign(picture.pixels)
    return EncodedImage(picture, trace, embedding, setup, version, foreign)


def cosines(setup: Setup, image: Any, captions: Sequence[Tokens]) -> NDArray[np.float32]:
    """Return the cosine similarities (K,) of a picture with K captions; see `Explainer.scores`."""
    clip, picture = setup.clip, setup.picture(image)
    with clip.inference_context():
        x = setup.trace(picture, contributions=False).embedding
        texts = clip.embed([clip.tokenizer.add_special_tokens(t.ids) for t in captions])
        values: NDArray[np.float32] = (texts @ x.to(texts)).float().cpu().numpy()
    return values
