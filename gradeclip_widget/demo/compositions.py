"""The scenes of tutorials, composed by hand: things, places and backgrounds, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .captions import Caption, Mention
from .composer import OPAQUE, RGB
from .sprites import draw_shape, package_artwork
from .world import COLORS

STYLE = "fluent-emoji"
SIDE = 448  # side of the square of places, in pixels; scenes can be painted at any size
SHADE = 0.12  # maximum strength of a shadow
HORIZON = 318  # row in which the near ground begins, in the center


@dataclass(frozen=True)
class Place:
    """A thing and its place.

    Attributes:
        phrase: the thing: "tree", "red circle".
        x: column of its center.
        foot: row of its lowest point.
        length: its longer side.
        stands: whether it stands on the ground and has a shadow.
    """

    phrase: str
    x: int
    foot: int
    length: int
    stands: bool = True

    @property
    def thing(self) -> Mention:
        """The thing, as captions name it."""
        *color, noun = self.phrase.split()
        return Mention(noun, color[0] if color else None)


@dataclass(frozen=True)
class Ground:
    """Colors of a background: cool and pale, so that it does not look like heat."""

    sky: RGB  # at the top
    haze: RGB  # at the horizon
    far: RGB  # ground in the distance
    near: RGB


@dataclass(frozen=True)
class Composition:
    """A scene composed by hand: its caption, its background and its things, from back to front."""

    caption: Caption
    ground: Ground
    places: tuple[Place, ...]


MORNING = Ground((170, 204, 225), (222, 239, 242), (174, 204, 206), (156, 193, 194))
WINTER = Ground((140, 166, 196), (197, 213, 228), (168, 190, 212), (150, 174, 200))
TABLE = Ground((182, 204, 222), (218, 231, 245), (172, 197, 214), (149, 178, 197))
INDOORS = Ground((152, 170, 198), (192, 205, 224), (150, 169, 197), (130, 151, 182))
PAPER = Ground((198, 211, 222), (224, 232, 238), (184, 199, 212), (165, 183, 199))
DUSK = Ground((74, 96, 132), (150, 173, 199), (112, 138, 166), (92, 118, 148))

COMPOSITIONS = (
    Composition(
        Caption(tuple(map(Mention, ("bicycle", "sun", "tree")))),
        MORNING,
        (
            Place("bicycle", 281, 402, 219),
            Place("tree", 98, 374, 194),
            Place("sun", 357, 172, 112, stands=False),
        ),
    ),
    Composition(
        Caption((Mention("snowman"), Mention("penguin")), "left of", prefix="a picture of "),
        WINTER,
        (Place("penguin", 334, 394, 167), Place("snowman", 148, 383, 226)),
    ),
    Composition(
        Caption((Mention("banana"), Mention("apple", count=2)), "next to", prefix="a picture of "),
        TABLE,
        (
            Place("apple", 237, 341, 119),
            Place("apple", 363, 397, 134),
            Place("banana", 104, 374, 180),
        ),
    ),
    Composition(
        Caption((Mention("dog"), Mention("cat")), "left of", prefix="a picture of "),
        INDOORS,
        (Place("cat", 350, 382, 160), Place("dog", 126, 364, 192)),
    ),
    Composition(
        Caption(
            (Mention("star", "yellow"), Mention("circle", "red"), Mention("square", "blue")),
            prefix="a drawing of ",
        ),
        PAPER,
        (
            Place("red circle", 128, 382, 164),
            Place("blue square", 326, 394, 156),
            Place("yellow star", 230, 188, 156, stands=False),
        ),
    ),
    Composition(
        Caption((Mention("alien"), Mention("rocket")), "below", prefix="an image of "),
        DUSK,
        (Place("rocket", 268, 206, 176, stands=False), Place("alien", 142, 403, 196)),
    ),
    Composition(
        Caption(tuple(map(Mention, ("balloon", "gift", "elephant")))),
        MORNING,
        (
            Place("elephant", 308, 356, 200),
            Place("balloon", 88, 248, 174, stands=False),
            Place("gift", 118, 406, 122),
        ),
    ),
    Composition(
        Caption((Mention("heart", "pink"), Mention("panda"))),
        WINTER,
        (Place("panda", 177, 396, 244), Place("pink heart", 366, 188, 124, stands=False)),
    ),
)


def paint(composition: Composition, size: int) -> tuple[Image.Image, list[NDArray[np.bool_]]]:
    """Paint a composition.

    Args:
        composition: the composition.
        size: width and height in pixels.

    Returns:
        The picture, and the mask (size, size) of the visible part of each thing, without shadows.
    """
    image = Image.fromarray(_landscape(composition.ground, size))
    for place in composition.places:
        if place.stands:
            image = _shaded(image, place, composition.ground, size)
    masks: list[NDArray[np.bool_]] = []
    for place in composition.places:
        sprite, corner = _drawn(place, size)
        layer = Image.new("RGBA", (size, size))
        layer.paste(sprite, corner)
        image.paste(layer, mask=layer)
        covered = np.asarray(layer)[..., 3] > OPAQUE
        masks = [mask & ~covered for mask in masks] + [covered]
    return image, masks


def _drawn(place: Place, size: int) -> tuple[Image.Image, tuple[int, int]]:
    """Return the cropped drawing of a thing, and the column and row of its upper left corner."""
    thing = place.thing
    if thing.color:
        sprite = draw_shape(thing.noun, COLORS[thing.color])
    else:
        sprite = package_artwork().sprite(thing.noun, STYLE)
    sprite = sprite.crop(sprite.getbbox())
    longest = SIDE * max(sprite.size)
    width, height = (max(1, v * place.length * size // longest) for v in sprite.size)
    sprite = sprite.resize((width, height), Image.Resampling.LANCZOS)
    return sprite, (place.x * size // SIDE - width // 2, place.foot * size // SIDE - height)


def _landscape(ground: Ground, size: int) -> NDArray[np.uint8]:
    """Return a sky and two gentle hills, (size, size, 3)."""
    y, x = (np.mgrid[:size, :size] + 0.5) * SIDE / size
    down = np.clip(y / HORIZON, 0, 1)[..., None]
    pixels = np.array(ground.sky) * (1 - down) + np.array(ground.haze) * down
    for color, top, middle, bend in (
        (ground.far, HORIZON - 26, 320, 2600),
        (ground.near, HORIZON, 130, 3400),
    ):
        edge = top + (x - middle) ** 2 / bend
        alpha = np.clip((y - edge) * size / SIDE + 0.5, 0, 1)[..., None]
        pixels = pixels * (1 - alpha) + np.array(color) * alpha
    painted: NDArray[np.uint8] = pixels.round().astype(np.uint8)
    return painted


def _shaded(image: Image.Image, place: Place, ground: Ground, size: int) -> Image.Image:
    """Return the picture with a soft shadow under a thing."""
    sprite, (left, _) = _drawn(place, size)
    middle, row = left + sprite.width / 2, place.foot * size / SIDE
    y, x = np.mgrid[:size, :size] + 0.5
    across, along = 0.54 * sprite.width, 0.07 * sprite.width
    distance = ((x - middle) / across) ** 2 + ((y - row + along / 3) / along) ** 2
    shade = SHADE * np.clip(1 - distance, 0, 1)[..., None]
    dark = np.array(ground.near) * 0.35
    pixels = np.asarray(image) * (1 - shade) + dark * shade
    return Image.fromarray(pixels.round().astype(np.uint8))
