"""Random drawn scenes: their things and places, and how they are painted.

The same seed gives the same pixels on every platform: random numbers come from `random.Random`, Pillow scales
with integer arithmetic, and rotations are rounded to fractions that a double represents exactly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .captions import Caption, Mention, describe
from .sprites import Artwork, draw_shape
from .world import COLORS, NUMBERS, OBJECTS, SHAPES

COUNT_WEIGHTS = (0.40, 0.32, 0.18, 0.10)  # of scenes with 1, 2, 3 and 4 objects
# Side of a thing as a fraction of the picture, by the number of things.
SIZES = {
    1: (0.30, 0.95),
    2: (0.25, 0.55),
    3: (0.24, 0.48),
    4: (0.22, 0.42),
}  # side of a thing as a fraction of the picture, by the number of things
CANVAS = 224  # side of the layout in pixels; scenes can be painted at any size
FRAMED = frozenset(  # drawings with a rectangular background
    (word, "fxemoji") for word in ("rainbow", "sailboat", "tent")
)
OPAQUE = 64  # pixels with more alpha than this belong to an object's mask

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """The things of a scene and their places, before it is painted."""

    things: tuple[Mention, ...]
    instances: tuple[tuple[Mention, str], ...]  # every instance of a thing, with its style
    squares: tuple[tuple[int, int, int], ...]  # x, y, side of each instance on the canvas
    background: str | None  # the color of a plain background
    caption: Caption


class Composer:
    """Composes pictures of things from artwork.

    Args:
        artwork: the sprites.
        styles: the drawing styles to use.
    """

    unwanted = FRAMED  # (word, style); replaced by another style if there is one

    def __init__(self, artwork: Artwork, styles: Sequence[str]) -> None:
        self.artwork = artwork
        self.styles = {
            word: [style for style in artwork.styles_of(word) if style in styles]
            for word in OBJECTS
        }
        self.words = [word for word in OBJECTS if self.styles[word]]

    def lay_out(self, rng: Random, objects: int | Sequence[str] | None = None) -> Layout:
        """Choose the things of a picture, their places, and the caption."""
        background = rng.choice(list(COLORS)) if rng.random() < 0.35 else None
        if objects is None or isinstance(objects, int):
            count = objects or rng.choices((1, 2, 3, 4), COUNT_WEIGHTS)[0]
            things = self._random_things(rng, count, background)
        else:
            things = [self._named(phrase, count) for phrase, count in Counter(objects).items()]
            if background in {thing.color for thing in things}:
                background = None
        instances = [
            (Mention(thing.noun, thing.color), self._style(rng, thing))
            for thing in things
            for _ in range(thing.count)
        ]
        squares = _scatter(rng, len(instances))
        firsts = [sum(thing.count for thing in things[:k]) for k in range(len(things))]
        centers = [(2 * x + side, 2 * y + side) for x, y, side in (squares[k] for k in firsts)]
        caption = describe(rng, things, centers, background)
        return Layout(tuple(things), tuple(instances), tuple(squares), background, caption)

    def paint(
        self, rng: Random, layout: Layout, size: int
    ) -> tuple[Image.Image, list[NDArray[np.bool_]]]:
        """Paint a layout; return the picture and the visible part of each instance."""
        image = _background(rng, layout.background, size)
        masks: list[NDArray[np.bool_]] = []
        for (thing, style), square in zip(layout.instances, layout.squares, strict=True):
            x, y, side = (v * size // CANVAS for v in square)
            sprite = self._sprite(rng, thing, style, side)
            if max(sprite.size) > size:
                sprite.thumbnail((size, size), Image.Resampling.BILINEAR)
            # A rotated thing may be larger than its square: it keeps its center, or moves into the picture.
            x, y = (
                min(max(0, start + (side - length) // 2), size - length)
                for start, length in zip((x, y), sprite.size, strict=True)
            )
            image.paste(sprite, (x, y), sprite)
            covered = np.zeros((size, size), bool)
            covered[y : y + sprite.height, x : x + sprite.width] = (
                np.asarray(sprite)[..., 3] > OPAQUE
            )
            masks = [mask & ~covered for mask in masks] + [covered]
        return image, masks

    def _random_things(self, rng: Random, count: int, background: str | None) -> list[Mention]:
        shape_share = 0.9 if rng.random() < 0.25 else 0.12
        things: list[Mention] = []
        while (left := count - sum(thing.count for thing in things)) > 0:
            if rng.random() < shape_share:
                color = rng.choice([color for color in COLORS if color != background])
                thing = Mention(rng.choice(SHAPES), color)
            else:
                thing = Mention(rng.choice(self.words))
            if thing.phrase in {other.phrase for other in things}:
                continue
            times = rng.randint(2, min(3, left)) if left > 1 and rng.random() < 0.12 else 1
            things.append(Mention(thing.noun, thing.color, times))
        return things

    def _named(self, phrase: str, count: int) -> Mention:
        *color, noun = phrase.split() or [""]
        if count > max(NUMBERS):
            raise ValueError(f"{count} times {phrase!r}: captions count to {max(NUMBERS)}")
        if not color and noun in self.words:
            return Mention(noun, count=count)
        if len(color) == 1 and color[0] in COLORS and noun in SHAPES:
            return Mention(noun, color[0], count)
        raise ValueError(
            f"the drawn scenes have no {phrase!r}: give one of their objects ('dog', 'apple', ...) or a "
            f"color and a shape ('red circle')"
        )

    def _style(self, rng: Random, thing: Mention) -> str:
        if thing.color:
            return "shape"
        styles = self.styles[thing.noun]
        # Chosen among all styles, so that the random numbers of a seed stay the same.
        style = rng.choice(styles)
        allowed = [other for other in styles if (thing.noun, other) not in self.unwanted]
        return allowed[0] if allowed and style not in allowed else style

    def _sprite(self, rng: Random, thing: Mention, style: str, side: int) -> Image.Image:
        if thing.color:
            rgb = _near(rng, COLORS[thing.color], 15)
            drawn = draw_shape(thing.noun, rgb)
        else:
            drawn = self.artwork.sprite(thing.noun, style)
        return self.pose(rng, thing, drawn, side)

    def pose(self, rng: Random, thing: Mention, drawn: Image.Image, side: int) -> Image.Image:
        """Return a drawing for a scene: some are mirrored, some are rotated, and none is cut off.

        Args:
            rng: chooses whether it is mirrored and how far it is rotated.
            thing: the thing.
            drawn: a square RGBA picture of it.
            side: width and height of the result in pixels; a rotated drawing may need more.
        """
        scale = side / drawn.width
        if rng.random() < 0.5:
            drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.3:
            drawn = rotated(drawn, rng.uniform(-25, 25))
        width, height = (max(1, round(length * scale)) for length in drawn.size)
        return drawn.resize((width, height), Image.Resampling.BILINEAR)


def rotated(sprite: Image.Image, degrees: float) -> Image.Image:
    """Return a square RGBA drawing rotated, on a canvas of the size that it needs.

    It does not touch the border, so that scaling makes no hard edge there.
    """
    side, margin = sprite.width, sprite.width // 40
    room = Image.new("RGBA", (2 * side, 2 * side))
    room.paste(sprite, (side // 2, side // 2))
    drawn = rotated_within(room, degrees)
    left, top, right, bottom = drawn.getbbox() or (0, 0, *drawn.size)
    return drawn.crop((left - margin, top - margin, right + margin, bottom + margin))


def rotated_within(sprite: Image.Image, degrees: float) -> Image.Image:
    """Return a square picture rotated about its center; parts outside the square are lost."""
    # Multiples of 1/1024 are exact in a double, so the platform's cosine and fused products do not matter.
    angle, middle = math.radians(degrees), sprite.width / 2
    cos, sin = (round(1024 * f(angle)) / 1024 for f in (math.cos, math.sin))
    matrix = (cos, sin, middle * (1 - cos - sin), -sin, cos, middle * (1 - cos + sin))
    return sprite.transform(sprite.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _scatter(rng: Random, count: int) -> list[tuple[int, int, int]]:
    """Return squares (x, y, side) that overlap little; they shrink if there is no room."""
    smallest, largest = SIZES[min(count, 4)]
    squares: list[tuple[int, int, int]] = []
    for _ in range(count):
        top = largest
        for _ in range(30):
            side = int(CANVAS * rng.uniform(smallest, top)) // 4 * 4
            x, y = rng.randint(0, CANVAS - side), rng.randint(0, CANVAS - side)
            if not any(_overlap((x, y, side), other) for other in squares):
                break
            top = max(smallest, top * 0.95)
        squares.append((x, y, side))
    return squares


def _overlap(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    """Return whether two squares overlap by more than 15 %, their mostly empty margin."""
    (ax, ay, a_side), (bx, by, b_side) = a, b
    return (
        ax + a_side * 0.85 >= bx
        and bx + b_side * 0.85 >= ax
        and ay + a_side * 0.85 >= by
        and by + b_side * 0.85 >= ay
    )


def _background(rng: Random, color: str | None, size: int) -> Image.Image:
    """Return a plain color, a gradient or a soft pattern, some of them grainy."""
    if color:
        return Image.new("RGB", (size, size), _near(rng, COLORS[color], 18))
    columns, rows = rng.choice([(2, 1), (1, 2), (2, 2), (4, 4), (8, 8), (16, 16)])
    ends = [[rng.randrange(60, 256) for _ in range(3)] for _ in range(2)]
    cells = np.frombuffer(rng.randbytes(columns * rows), np.uint8).astype(np.int32)[:, None]
    blend = (np.array(ends[0]) * (255 - cells) + np.array(ends[1]) * cells) // 255
    small = Image.fromarray(blend.astype(np.uint8).reshape(rows, columns, 3))
    image = small.resize((size, size), Image.Resampling.BICUBIC)
    grain_seed = rng.getrandbits(
        32
    )  # a new generator, since the number of pixels depends on the size
    return _grainy(image, Random(grain_seed)) if grain_seed % 5 < 2 else image


def _grainy(image: Image.Image, rng: Random) -> Image.Image:
    noise = np.frombuffer(rng.randbytes(image.width * image.height), np.int8) // 8
    pixels = np.asarray(image).astype(np.int16) + noise.reshape(image.height, image.width, 1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _near(rng: Random, rgb: RGB, reach: int) -> RGB:
    red, green, blue = (min(255, max(0, v + rng.randint(-reach, reach))) for v in rgb)
    return red, green, blue
