"""A pair read, decoded and tokenized: what workers do while the model computes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..clip.preprocessing import Picture
from ..clip.tokenizers.base import Tokens
from ..core.regions import Box
from ..explain.explainer import Explainer
from ..export.picture import thumbnail
from .pairs import FailedPair, Pair
from .schema import THUMBNAIL

UNREADABLE = (TypeError, ValueError, OSError)  # what reading pictures and captions raises


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """A pair ready for the model.

    Attributes:
        pair: the pair.
        pixels: the image tower's input, normalized (1, 3, H, W) on the CPU.
        size: (width, height) of the picture in pixels.
        cover: box of the picture that ``pixels`` show.
        tokens: the caption's.
        thumbnail: a small copy of the picture, or ``None``.
        picture: the picture itself, where the method explains one at a time.
    """

    pair: Pair
    pixels: Tensor
    size: tuple[int, int]
    cover: Box
    tokens: Tokens
    thumbnail: bytes | None
    picture: Picture | None


@dataclass(frozen=True, eq=False)
class Preparation:
    """Reads pairs for one explainer. It can be called in several threads at once.

    Attributes:
        explainer: whose model and options decide how a picture is fitted.
        thumbnails: whether to make a small copy of each picture.
        keep_pictures: whether the model needs the pictures beside their pixels.
    """

    explainer: Explainer
    thumbnails: bool
    keep_pictures: bool

    def __call__(self, pair: Pair | FailedPair) -> PreparedPair | FailedPair:
        """Return a pair ready for the model, or why it cannot be."""
        if isinstance(pair, FailedPair):
            return pair
        explainer = self.explainer
        try:
            (tokens,) = explainer.clip.tokens([pair.caption])
        except UNREADABLE as error:
            return FailedPair.of(pair, "caption", error)
        try:
            picture = explainer.clip.image_processor.prepare(
                pair.image, explainer.fit, explainer.resolution
            )
            small = thumbnail(picture.image, THUMBNAIL) if self.thumbnails else None
        except UNREADABLE as error:
            return FailedPair.of(pair, "picture", error)
        return PreparedPair(
            pair,
            picture.pixels,
            picture.image.size,
            picture.cover,
            tokens,
            small,
            picture if self.keep_pictures else None,
        )
