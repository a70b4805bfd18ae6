"""A pair read, decoded and tokenized: what workers do while the model computes."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from ..clip.preprocessing import Fit, ImageProcessor, Picture
from ..clip.tokenizers.base import Tokenizer, Tokens
from ..core.regions import Box
from ..explain.explainer import Explainer
from ..export.picture import gallery_thumbnail
from .pairs import FailedPair, Pair
from .runs.schema import THUMBNAIL

UNREADABLE = (TypeError, ValueError, OSError)  # what reading pictures and captions raises


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """A pair ready for the model.

    Attributes:
        pair: the pair, without its picture.
        pixels: the image tower's input, normalized (1, 3, H, W) on the CPU.
        size: (width, height) of the picture in pixels.
        cover: box of the picture that ``pixels`` show.
        tokens: the caption's.
        thumbnail: a small copy of the picture, or ``None``.
        image: the picture itself, where the method explains one at a time.
    """

    pair: Pair
    pixels: Tensor
    size: tuple[int, int]
    cover: Box
    tokens: Tokens
    thumbnail: bytes | None
    image: Image.Image | None

    @property
    def picture(self) -> Picture:
        """What an `Explainer` explains, where the picture was kept."""
        assert self.image is not None
        return Picture(self.image, self.pixels, self.cover)


@dataclass(frozen=True, eq=False)
class Preparation:
    """Reads pairs for one explainer, in any thread or process: it holds no model.

    Attributes:
        images: the model's preprocessing.
        tokenizer: the model's tokenizer.
        fit: how pictures are fitted.
        resolution: their short side in pixels; the model's own when ``None``.
        thumbnails: whether to make a small copy of each picture.
        keep_pictures: whether the model needs the pictures beside their pixels.
    """

    images: ImageProcessor
    tokenizer: Tokenizer
    fit: Fit
    resolution: int | None
    thumbnails: bool
    keep_pictures: bool

    @classmethod
    def of(cls, explainer: Explainer, thumbnails: bool, keep_pictures: bool) -> Preparation:
        """Return what reads pairs as an explainer does."""
        clip = explainer.clip
        return cls(
            clip.image_processor,
            clip.tokenizer,
            explainer.fit,
            explainer.resolution,
            thumbnails,
            keep_pictures,
        )

    def __call__(self, pair: Pair | FailedPair) -> PreparedPair | FailedPair:
        """Return a pair ready for the model, or why it cannot be."""
        if isinstance(pair, FailedPair):
            return pair
        try:
            tokens = self.tokenizer(pair.caption)
        except UNREADABLE as error:
            return FailedPair.of(pair, "caption", error)
        try:
            picture = self.images.prepare(pair.image, self.fit, self.resolution)
            small = gallery_thumbnail(picture.image, THUMBNAIL) if self.thumbnails else None
        except UNREADABLE as error:
            return FailedPair.of(pair, "picture", error)
        return PreparedPair(
            pair.without_image(),
            picture.pixels,
            picture.image.size,
            picture.cover,
            tokens,
            small,
            picture.image if self.keep_pictures else None,
        )
