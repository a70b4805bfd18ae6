"""Preparation of a pair for the model: read, decode, tokenize. Worker processes do it ahead of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image
from torch import Tensor

from ..clip.preprocessing import Fit, ImageProcessor, Picture
from ..clip.tokenizers.base import Tokenizer, Tokens
from ..core.regions import Box, check_box, check_pixels
from ..explain.explainer import Explainer
from ..export.picture import gallery_thumbnail
from .identity import digest_of, stamp_of
from .pairs import FailedPair, KnownPair, ListedPair, Pair
from .runs.schema import THUMBNAIL


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """A pair that is ready for the model.

    Attributes:
        pair: the pair, without its picture.
        pixels: the image tower's input, normalized (1, 3, H, W) on the CPU.
        size: (width, height) of the picture in pixels.
        cover: box of the picture that ``pixels`` show, (x0, y0, x1, y1).
        tokens: of the caption.
        thumbnail: a small copy of the picture, or ``None``.
        digest: of the picture's pixels.
        stamp: of the picture's file, from before it was read.
        image: the picture itself, if the method explains one picture at a time.
    """

    pair: Pair
    pixels: Tensor
    size: tuple[int, int]
    cover: Box
    tokens: Tokens
    thumbnail: bytes | None
    digest: str
    stamp: str
    image: Image.Image | None

    @property
    def picture(self) -> Picture:
        """The picture as an `Explainer` takes it; only for pairs with `image`."""
        assert self.image is not None
        return Picture(self.image, self.pixels, self.cover)


LoadedPair = PreparedPair | FailedPair | KnownPair


@dataclass(frozen=True, eq=False)
class Preparation:
    """Prepares pairs for one explainer. It contains no model, so that any process can run it.

    Attributes:
        images: the model's preprocessing.
        tokenizer: the model's tokenizer.
        fit: how pictures are fitted to the model's input.
        resolution: short side of the input in pixels; ``None`` for the model's own.
        thumbnails: whether to make a small copy of each picture.
        keep_pictures: whether the method needs the pictures in addition to their pixels.
        covered: as in `PairSource`.
    """

    images: ImageProcessor
    tokenizer: Tokenizer
    fit: Fit
    resolution: int | None
    thumbnails: bool
    keep_pictures: bool
    covered: bool

    @classmethod
    def of(
        cls, explainer: Explainer, thumbnails: bool, keep_pictures: bool, covered: bool
    ) -> Preparation:
        """Return the preparation with an explainer's settings."""
        clip = explainer.clip
        return cls(
            clip.image_processor,
            clip.tokenizer,
            explainer.fit,
            explainer.resolution,
            thumbnails,
            keep_pictures,
            covered,
        )

    def __call__(self, pair: ListedPair) -> LoadedPair:
        """Return a pair that is ready for the model, or the reason why it cannot be read.

        No error of a pair ends the run: decoders and tokenizers raise errors of any kind, and some exit.
        """
        if not isinstance(pair, Pair):
            return pair
        try:
            tokens = self.tokenizer(pair.caption)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return FailedPair.of(pair, "caption", error)
        try:
            stamp = stamp_of(pair.image, self.covered)
            picture = self.images.prepare(pair.image, self.fit, self.resolution)
            digest = digest_of(picture.image)
            thumbnail = gallery_thumbnail(picture.image, THUMBNAIL) if self.thumbnails else None
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return FailedPair.of(pair, "picture", error)
        try:
            box = _box_in_pixels(pair, picture.image.size)
        except ValueError as error:
            return FailedPair.of(pair, "box", error)
        return PreparedPair(
            replace(pair.without_image(), box=box, fractions=False),
            picture.pixels,
            picture.image.size,
            picture.cover,
            tokens,
            thumbnail,
            digest,
            stamp,
            picture.image if self.keep_pictures else None,
        )


def _box_in_pixels(pair: Pair, size: tuple[int, int]) -> Box | None:
    """Return the box of a pair in pixels of its picture.

    Args:
        pair: the pair.
        size: (width, height) of its picture.

    Raises:
        ValueError: it lies outside the picture, or is in fractions of it and its column does not say so.
    """
    if pair.box is None:
        return None
    width, height = size
    box = pair.box
    if pair.fractions:
        x0, y0, x1, y1 = box
        box = (x0 * width, y0 * height, x1 * width, y1 * height)
    else:
        try:
            check_pixels(box, size)
        except ValueError as error:
            raise ValueError(
                f"its {error}; or name the column box_fraction, which holds fractions"
            ) from error
    check_box(box, size)
    return box
