"""Drawn scenes with known ground truth: the objects of a picture and their masks.

    >>> scene = sample_scene(500_000, objects=["dog", "red circle"])
    >>> [thing.phrase for thing in scene.objects]
    ['dog', 'red circle']

The same seed gives the same pixels on every platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.regions import PixelBox
from .captions import Caption, Mention
from .composer import Composer
from .compositions import COMPOSITIONS, STYLE, Composition, paint
from .sprites import package_artwork
from .world import SEEN_STYLES


@dataclass(frozen=True)
class SceneObject:
    """One thing in a scene, and its place."""

    name: str  # "dog", "circle"
    color: str | None  # of a shape
    style: str  # the emoji set, or "shape"
    box: PixelBox  # x0, y0, x1, y1 around the visible part
    mask: NDArray[np.bool_]  # (height, width), the visible part

    @property
    def phrase(self) -> str:
        """The phrase that names it in a caption: "red circle"."""
        return f"{self.color} {self.name}" if self.color else self.name


@dataclass(frozen=True)
class Scene:
    """A picture, a true caption, and all things in the picture, mentioned or not."""

    image: Image.Image
    caption: str
    objects: tuple[SceneObject, ...]
    mentioned: tuple[str, ...]  # phrases of the things in the caption


def scenes(size: int = 448) -> tuple[Scene, ...]:
    """Return a few scenes for tutorials, composed by hand.

    Args:
        size: width and height in pixels.
    """
    return tuple(_composed(composition, size) for composition in COMPOSITIONS)


def first_scene(size: int = 448) -> Scene:
    """Return the first of `scenes`, without painting the others."""
    return _composed(COMPOSITIONS[0], size)


def sample_scene(
    seed: int,
    objects: int | Sequence[str] | None = None,
    size: int = 224,
    styles: Sequence[str] = SEEN_STYLES,
) -> Scene:
    """Draw the scene of a seed.

    Args:
        seed: seeds under 500,000 are for training the embedded model, seeds from 500,000 for measuring it.
        objects: number of objects, or their names ("dog", "red circle"; a repeated name is drawn that
            often); random by default.
        size: width and height in pixels; the scene is the same at every size.
        styles: emoji sets to choose from.

    Returns:
        The scene, with one entry in `objects` per object.

    Raises:
        ValueError: a name is unknown.
    """
    rng = Random(seed)
    composer = Composer(package_artwork(), styles)
    layout = composer.lay_out(rng, objects)
    image, masks = composer.paint(rng, layout, size)
    return _scene(image, layout.caption, layout.instances, masks)


def _composed(composition: Composition, size: int) -> Scene:
    image, masks = paint(composition, size)
    things = [place.thing for place in composition.places]
    instances = [(thing, "shape" if thing.color else STYLE) for thing in things]
    return _scene(image, composition.caption, instances, masks)


def _scene(
    image: Image.Image,
    caption: Caption,
    instances: Sequence[tuple[Mention, str]],
    masks: Sequence[NDArray[np.bool_]],
) -> Scene:
    things = [
        SceneObject(thing.noun, thing.color, style, _box(mask), mask)
        for (thing, style), mask in zip(instances, masks, strict=True)
    ]
    mentioned = tuple(mention.phrase for mention in caption.mentions)
    return Scene(image, str(caption), tuple(things), mentioned)


def _box(mask: NDArray[np.bool_]) -> PixelBox:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
