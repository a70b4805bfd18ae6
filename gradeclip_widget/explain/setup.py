"""What an explanation starts from: options, model and method, and a picture's pass through the image tower.

Importing this does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress
from ..core.things import Bits, find_things

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import ClipModel
    from ..clip.image_towers.base import ImageTower, ImageTrace
    from ..clip.preprocessing import Fit, Picture
    from ..clip.text_towers.base import TextTower
    from ..clip.tokenizers.base import Tokens
    from ..methods import Method


@dataclass(frozen=True)
class ExplainSettings:
    """The options of an `Explainer`, which documents them, except its model and method."""

    reference: bool = False
    freeze_norms: bool = True
    image_layers: int = 1
    text_layers: int | None = None
    fit: Fit = "whole"
    resolution: int | None = None
    readings: bool | None = None
    integrated_gradients: bool = False

    def resolve(self, image: ImageTower, text: TextTower) -> ExplainSettings:
        """Return the settings for a model's towers, with numbers in place of ``None``.

        Raises:
            ValueError: the towers do not have that many blocks.
        """
        from ..clip.image_towers.base import check_layers

        check_layers(self.image_layers, image.depth)
        if self.text_layers is not None and self.text_layers < 1:
            raise ValueError(f"text_layers={self.text_layers}: give at least 1")
        return replace(
            self,
            freeze_norms=self.freeze_norms and not self.reference,
            text_layers=min(self.text_layers or text.default_text_layers, text.depth),
        )

    @property
    def layers(self) -> tuple[int, int]:
        """How many of the last image and text blocks are explained; only after `resolve`."""
        assert self.text_layers is not None, "these settings are not resolved"
        return self.image_layers, self.text_layers

    @property
    def image_side(self) -> ExplainSettings:
        """The options that affect a picture's pass through the image tower; the others at defaults."""
        return ExplainSettings(
            reference=self.reference,
            image_layers=self.image_layers,
            fit=self.fit,
            resolution=self.resolution,
        )


def option(name: str, of: str = "_setup.settings") -> Any:
    """Return a read-only attribute of `Explainer` that gives one of its settings."""
    return property(attrgetter(f"{of}.{name}"))


@dataclass(frozen=True, eq=False)
class Setup:
    """A model, a method and options, checked by `Explainer`.

    Attributes:
        clip: the model.
        method: the method.
        settings: the options, resolved.
        method_options: the method's own options, by name.
    """

    clip: ClipModel
    method: Method
    settings: ExplainSettings
    method_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The method's name for display."""
        return self.method.label_for(self.clip.image_tower)

    @property
    def readings(self) -> bool:
        """Whether to compute a word's maps *alone* and *left out*; by default, if they are cheap."""
        readings = self.settings.readings
        return not self.method.per_text if readings is None else readings

    @property
    def word_scores(self) -> bool:
        """Whether to compute scores of the caption with only some of its words."""
        return self.settings.readings is not False

    def picture(self, image: Any) -> Picture:
        """Return a picture ready for the image tower.

        Args:
            image: as in `Explainer.__call__`, not yet encoded.

        Raises:
            TypeError, ValueError, FileNotFoundError: the picture cannot be read; the message explains why.
        """
        return self.clip.image_processor.prepare(image, self.settings.fit, self.settings.resolution)

    def trace(self, picture: Picture, *, contributions: bool = True) -> ImageTrace:
        """Run the image tower on a picture and trace the blocks to explain; inside `inference_context`.

        Args:
            picture: ready for the tower.
            contributions: whether to compute what each block adds to the embedding.
        """
        return self.clip.image_tower.trace(
            self.clip.to_device(picture.pixels),
            self.settings.image_layers,
            single_head=self.settings.reference,
            contributions=contributions,
        )


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture's pass through the image tower, which can be explained with any number of captions.

    `Explainer.encode` returns it. Every explainer with the same model and the same `image_side` options
    accepts it until the model changes.
    """

    picture: Picture = field(repr=False)
    trace: ImageTrace = field(repr=False)
    embedding: Tensor = field(repr=False)  # (E,) with the model's own attention heads
    setup: Setup = field(repr=False)
    version: object = field(repr=False)  # the model's version when the picture was encoded
    things: Bits = field(repr=False)  # the thing around every patch, see `core.things`
    foreign: bool = False  # whether the picture is unlike what the model was trained on

    def check(self, setup: Setup) -> None:
        """Raise ``ValueError`` unless encoding the picture with this setup gives the same result."""
        mine = self.setup
        if mine.clip is not setup.clip or mine.settings.image_side != setup.settings.image_side:
            raise ValueError(
                "the picture was encoded by another model or with another reference, image_layers, fit or "
                "resolution; encode it with this explainer"
            )

    def check_version(self) -> None:
        """Raise ``ValueError`` if the model has changed; call it inside `ClipModel.inference_context`."""
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
        if setup.settings.reference:  # the authors' code uses the model's own embedding for text
            pixels = clip.to_device(picture.pixels)
            embedding = clip.image_tower.trace(pixels, contributions=False).embedding
        if not bool(embedding.isfinite().all()):
            raise clip.not_finite("this picture", picture.pixels)
        things = find_things(
            [rows.float().cpu().numpy() for rows in trace.patch_features], trace.grid
        )
        version = clip.version
        (foreign,) = clip.are_foreign(picture.pixels)
    return EncodedImage(picture, trace, embedding, setup, version, things, foreign)


def cosines(setup: Setup, image: Any, captions: Sequence[Tokens]) -> NDArray[np.float32]:
    """Return the cosine similarities (K,) of a picture with K captions; see `Explainer.scores`."""
    clip, picture = setup.clip, setup.picture(image)
    with clip.inference_context():
        x = setup.trace(picture, contributions=False).embedding
        texts = clip.embed([clip.tokenizer.add_special_tokens(t.ids) for t in captions])
        values: NDArray[np.float32] = (texts @ x.to(texts)).float().cpu().numpy()
        if not np.isfinite(values).all():
            # Captions share a pass, in which NaN spreads from one to the others.
            ids = {t.caption: clip.tokenizer.add_special_tokens(t.ids) for t in captions}
            wrong = [c for c, one in ids.items() if not bool(clip.embed([one]).isfinite().all())]
            caption = (wrong or list(ids))[0]
            raise clip.not_finite(f"the score of {caption!r}", picture.pixels, ids[caption])
    return values
