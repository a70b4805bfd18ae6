"""Training batches: drawn scenes, true captions, and false captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from random import Random
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from gradeclip_widget.demo.captions import Caption, Mention
from gradeclip_widget.demo.composer import CANVAS, Composer, Layout, rotated_within
from gradeclip_widget.demo.model import tokenizer
from gradeclip_widget.demo.sprites import Artwork
from gradeclip_widget.demo.world import (
    COLORS,
    NUMBERS,
    OBJECTS,
    OPPOSITES,
    PAIRINGS,
    PREFIXES,
    SHAPES,
    plural,
)

from .recipes import Stage, locate

TRAINING_SEEDS = 490_000  # seeds to 499,999 are for validation, seeds from 500,000 for measuring
PHRASES = (*OBJECTS, *(f"{color} {shape}" for color in COLORS for shape in SHAPES))
CLAIMS = {name: k for k, name in enumerate((*PHRASES, *(f"on {c}" for c in COLORS)))}
JOINTS = (*PAIRINGS, *OPPOSITES)
FUNCTION_WORDS = frozenset(" ".join(("a an on background", *JOINTS, *PREFIXES)).split())
SPRITE_SIDE = 160  # pixels
CLOSE = (0.55, 1.0)  # side of a thing in a close-up, as a fraction of the picture


class Batch(NamedTuple):
    """The data of one step.

    Captions: a true one for each scene, one or more worse ones for each (false or incomplete), then the name
    of every thing.
    """

    scenes: Tensor  # (scenes, size, size, 3) uint8
    close_ups: Tensor  # (close-ups, size, size, 3) uint8, one thing each
    tokens: Tensor  # (captions, positions) rows of the compact embedding table
    ignored: Tensor  # (scenes, captions of scenes) bool, true captions of other scenes
    in_scene: Tensor  # (scenes, names) bool, things in the scene
    in_close_up: Tensor  # (close-ups, names) bool, the thing in the close-up

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


class TrainingComposer(Composer):
    """Paints scenes as in the training of the package's weights.

    Sprites have 160 px and are rotated within their square, which may cut them off. Pictures equal those of
    that training, except for the artwork's compression (a mean difference of 0.2 of 255).

    Args:
        artwork: the sprites.
        styles: the drawing styles to use.
        alter: applied to every drawing except shapes, before it is mirrored or rotated.
    """

    unwanted = frozenset()

    def __init__(
        self,
        artwork: Artwork,
        styles: Sequence[str],
        alter: Callable[[Image.Image, Random], Image.Image] | None = None,
    ) -> None:
        super().__init__(artwork, styles)
        self.alter = alter

    def pose(self, rng: Random, thing: Mention, drawn: Image.Image, side: int) -> Image.Image:
        """Return an altered drawing; some are mirrored, some are rotated."""
        sprite = drawn.reduce(drawn.width // SPRITE_SIDE)
        sprite = sprite.resize((side, side), Image.Resampling.BILINEAR)
        if self.alter and not thing.color:
            sprite = self.alter(sprite, rng)
        if rng.random() < 0.5:
            sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return rotated_within(sprite, rng.uniform(-25, 25)) if rng.random() < 0.3 else sprite


class SceneBatches(Dataset[Batch]):
    """The batch of every step of the stages, which is always the same for a step.

    Args:
        artwork: the sprites.
        styles: the drawing styles to use.
        stages: the stages, with the sizes of pictures and batches.
        ids: vocabulary ids of the rows of the compact embedding table, ascending.
        seed: another seed gives other batches.
    """

    def __init__(
        self,
        artwork: Artwork,
        styles: Sequence[str],
        stages: Sequence[Stage],
        ids: NDArray[np.int64],
        seed: int,
    ) -> None:
        self.plain = TrainingComposer(artwork, styles)
        self.varied = TrainingComposer(artwork, styles, vary_sprite)
        self.stages = stages
        self.ids = ids
        self.seed = seed
        self.tokenizer = tokenizer()

    def __getitem__(self, step: int) -> Batch:
        stage, _ = locate(self.stages, step)
        rng = Random(f"{self.seed}/{step}")
        size = rng.choice(stage.sizes)
        scenes, true, truths = [], [], []
        worse: list[list[Caption]] = [[] for _ in range(stage.worse)]
        for _ in range(stage.scenes):
            things: int | list[str] | None = None
            if rng.random() < stage.shapes:
                things = _colored_shapes(rng)
            elif stage.counts:
                things = rng.choices((1, 2, 3, 4), stage.counts)[0]
            layout = self.plain.lay_out(Random(rng.randrange(TRAINING_SEEDS)), things)
            scenes.append(self._painted(rng, stage, layout, size))
            phrases = [thing.phrase for thing in layout.things]
            true.append(layout.caption)
            for captions in worse:
                if len(layout.caption.mentions) > 1 and rng.random() < stage.shorter:
                    captions.append(layout.caption.shortened(rng))
                else:
                    captions.append(layout.caption.falsified(rng, phrases))
            truths.append((*phrases, f"on {layout.background}"))
        size = rng.choice(stage.close_up_sizes)
        close_ups, close_things = [], []
        for _ in range(stage.close_ups):
            layout = _close(self.plain.lay_out(Random(rng.randrange(TRAINING_SEEDS)), 1), rng)
            close_ups.append(self._painted(rng, stage, layout, size))
            close_things.append(layout.things[0].phrase)
        prefix = rng.choice(PREFIXES)
        about = [*true, *chain(*worse)]
        texts = [_terse(str(caption), rng, stage.terse) for caption in about]
        names = [str(_name(phrase, prefix)) for phrase in PHRASES]
        return Batch(
            torch.from_numpy(np.stack(scenes)),
            torch.from_numpy(np.stack(close_ups)),
            self._tokens([*texts, *names]),
            torch.from_numpy(_possibly_true(about, truths)),
            torch.tensor([[phrase in truth for phrase in PHRASES] for truth in truths]),
            torch.tensor([[phrase == one for phrase in PHRASES] for one in close_things]),
        )

    def _painted(self, rng: Random, stage: Stage, layout: Layout, size: int) -> NDArray[np.uint8]:
        composer = self.varied if rng.random() < stage.variety else self.plain
        image, _ = composer.paint(rng, layout, size)
        return np.asarray(vary_picture(image, rng))

    def _tokens(self, captions: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(list(captions))
        longest = int((tokens != 0).sum(dim=1).max())
        rows = np.searchsorted(self.ids, tokens[:, :longest].numpy())
        return torch.from_numpy(rows)


def vocabulary_ids() -> NDArray[np.int64]:
    """Return the ids of all tokens in captions of drawn scenes, ascending, including padding."""
    nouns = (*OBJECTS, *SHAPES)
    texts = [*nouns, *map(plural, nouns), *COLORS, *OPPOSITES, *PAIRINGS, *PREFIXES]
    texts += [*NUMBERS.values(), "a, an", "on a background"]
    return np.unique(tokenizer()(texts).numpy())


def vary_sprite(sprite: Image.Image, rng: Random) -> Image.Image:
    """Return a drawing with other tints, lines and proportions."""
    alpha, color = sprite.getchannel("A"), sprite.convert("RGB")
    kind = rng.random()
    if kind < 0.40:
        color = color.convert("RGB", _tint(rng))
    elif kind < 0.44:
        color = ImageOps.posterize(color, rng.randint(1, 3))
    elif kind < 0.50:
        color = color.filter(ImageFilter.EDGE_ENHANCE_MORE)
    elif kind < 0.53:
        color = ImageOps.grayscale(color).convert("RGB")
    varied = color.copy()
    varied.putalpha(alpha)
    if rng.random() < 0.5:
        varied = _skewed(varied, rng)
    if rng.random() < 0.1:
        varied = varied.filter(ImageFilter.BoxBlur(rng.uniform(0.005, 0.025) * sprite.width))
    return varied


def vary_picture(image: Image.Image, rng: Random) -> Image.Image:
    """Return a picture with another brightness and sharpness; colors keep their names."""
    if rng.random() < 0.3:
        gain, lift = rng.uniform(0.8, 1.15), rng.uniform(-12, 12)
        image = image.point([min(255, max(0, int(v * gain + lift))) for v in range(256)] * 3)
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.5, image.width / 120)))
    return image


def _tint(rng: Random) -> tuple[float, ...]:
    """Return a color matrix (3 x 4): saturation, a rotation of the hue, and channel gains."""
    gray = np.full((3, 3), 1 / 3)
    turn = rng.gauss(0, 0.15) if rng.random() < 0.93 else rng.uniform(-np.pi, np.pi)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    rotation = np.cos(turn) * np.eye(3) + np.sin(turn) * axis + (1 - np.cos(turn)) * gray
    saturation = rng.uniform(0.4, 1.3)
    matrix = (saturation * np.eye(3) + (1 - saturation) * gray) @ rotation
    matrix *= np.array([[rng.uniform(0.75, 1.2)] for _ in range(3)])
    lift = [rng.uniform(-20, 25)] * 3
    return tuple(np.column_stack([matrix, lift]).ravel().tolist())


def _skewed(sprite: Image.Image, rng: Random) -> Image.Image:
    side = sprite.width
    across, down = 1 + abs(rng.gauss(0, 0.2)) * rng.choice([0, 1]), 1 + abs(rng.gauss(0, 0.2))
    lean = rng.gauss(0, 0.15)
    middle = side / 2
    matrix = (across, lean, middle * (1 - across - lean), 0, down, middle * (1 - down))
    return sprite.transform(sprite.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _colored_shapes(rng: Random) -> list[str]:
    count = rng.randint(2, 3)
    pairs = zip(rng.sample(list(COLORS), count), rng.sample(SHAPES, count), strict=True)
    return [f"{color} {shape}" for color, shape in pairs]


def _close(layout: Layout, rng: Random) -> Layout:
    """Return a layout of one thing that fills most of the picture."""
    side = int(CANVAS * rng.uniform(*CLOSE))
    x, y = rng.randint(0, CANVAS - side), rng.randint(0, CANVAS - side)
    return replace(layout, squares=((x, y, side),))


def _terse(caption: str, rng: Random, share: float) -> str:
    """Return a caption, in a fraction of the cases without most of its function words.

    These words are then random, so the embedding of a caption becomes the sum of those of its nouns.
    """
    if rng.random() >= share:
        return caption
    return " ".join(w for w in caption.split() if w not in FUNCTION_WORDS or rng.random() < 0.25)


def _name(phrase: str, prefix: str) -> Caption:
    *color, noun = phrase.split()
    return Caption((Mention(noun, color[0] if color else None),), prefix=prefix)


def _possibly_true(
    captions: Sequence[Caption], truths: Sequence[Sequence[str]]
) -> NDArray[np.bool_]:
    """Return (pictures, captions): whether the picture has all things that the caption names.

    Counts and places are ignored. It is ``False`` for the captions of the picture itself, which are its true
    caption and its worse ones.
    """
    pictures = len(truths)
    claimed = np.zeros((len(captions), len(CLAIMS)), np.float32)
    missing = np.ones((pictures, len(CLAIMS)), np.float32)
    for row, caption in zip(claimed, captions, strict=True):
        row[[CLAIMS[mention.phrase] for mention in caption.mentions]] = 1
        if caption.background:
            row[CLAIMS[f"on {caption.background}"]] = 1
    for row, truth in zip(missing, truths, strict=True):
        row[[CLAIMS[claim] for claim in truth if claim in CLAIMS]] = 0
    possible: NDArray[np.bool_] = missing @ claimed.T == 0
    diagonal = np.arange(pictures)
    possible.reshape(pictures, -1, pictures)[diagonal, :, diagonal] = False
    return possible
