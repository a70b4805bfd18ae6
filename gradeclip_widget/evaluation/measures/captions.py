"""Measures of the importance of words on captions that are known to be wrong, or right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.words import FUNCTION_WORDS, split_words
from ...demo.composer import Composer
from ...demo.scenes import Scene, sample_scene
from ...demo.sprites import package_artwork
from ...demo.world import COLORS, SHAPES, singular
from ...explain.explanation import Explanation
from ..cases import Case, Row
from ..examples import Example
from ..measure import Measure
from ..roles import Roles

NAMED = 2  # visible things that a caption names beside the absent one, at most
PAIR_SEEDS = (
    1_000_000,
    2**31,
)  # of scenes of two shapes: above all that anything is tuned or trained on


@dataclass(frozen=True)
class _OfImportance(Measure):
    """What the measures below share: figures of every importance that an explanation has.

    A word is colored if it is among the explanation's `highlights` by that importance; with the default one
    these are what the first picture colors.
    """

    unit = "part of the words or captions for which it is so"
    grouped_by = "importance"
    of_importance: ClassVar[bool] = True


@dataclass(frozen=True)
class AbsentWords(_OfImportance):
    """What is said of a word for something that the picture has not.

    The caption names up to two things that are in the picture and one that is not, in random order: "a dog, a
    tree and a boat". It is made from what is known of an example: phrases with masks, or ``present``, and
    ``absent``, which drawn scenes, COCO's instances and folders of masks bring along. No thing counts as
    absent that shares a word with the caption or with what is in the picture.

    Of multiword phrases the importance is the sum of their words', and one colored word colors them.

    Args:
        classes: what captions may name as absent, as phrases without an article; an example's ``absent`` when
            ``None``. Whatever of it is in a picture must be known to be ``present`` there.
    """

    classes: Sequence[str] | None = field(default=None, repr=False)

    name = "absent words"
    requirement = "a thing that is known to be in the picture, and one that is known not to be"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield figures of the absent thing, of each visible one, and of each pair of both."""
        rng = case.rng()
        things = self.things(case.example, rng)
        if things is None:
            return
        visible, absent = things
        phrases = [*visible, absent]
        order = rng.permutation(len(phrases)).tolist()
        caption, indices = naming([phrases[n] for n in order])
        words = {phrases[n]: one for n, one in zip(order, indices, strict=True)}
        for said in judgments(case.explain(caption)):
            lacking = said.sum(words[absent])
            figures = [
                ("absent word above zero", absent, lacking > 0),
                ("absent word colored", absent, said.colors(words[absent])),
            ]
            for one in visible:
                figures.append(("visible word colored", one, said.colors(words[one])))
                sign = np.sign(said.sum(words[one]) - lacking)
                figures.append(("visible word above the absent one (AUC)", one, (1 + sign) / 2))
            for figure, phrase, value in figures:
                yield Row(float(value), phrase, said.importance, figure)

    def things(self, example: Example, rng: np.random.Generator) -> tuple[list[str], str] | None:
        """Return what a caption is to name: things in the picture, and one that is not in it.

        Args:
            example: whose picture it is.
            rng: decides which things, where there are more.

        Returns:
            ``None`` where no thing is known to be in the picture, or none to be absent.
        """
        masked = [
            one if isinstance(one, str) else example.caption[slice(*one)] for one in example.masks
        ]
        # A caption names what is large; what else is in a photograph may be too small to be seen.
        candidates = masked if masked and example.scene is None else example.present
        visible: list[str] = []
        for n in rng.permutation(len(candidates)):
            if len(visible) < NAMED and not _stems(candidates[n]) & _stems(*visible):
                visible.append(candidates[n])
        taken = _stems(example.caption, *masked, *example.present)
        classes = example.absent if self.classes is None else self.classes
        absent = [one for one in classes if not _stems(one) & taken]
        if not visible or not absent:
            return None
        return visible, absent[rng.integers(len(absent))]


@dataclass(frozen=True)
class WrongAttribute(_OfImportance):
    """What is said of a wrong color, on drawn scenes of two shapes: "a green circle and a blue square".

    For each example that is a drawn scene, a scene of two shapes of different colors is drawn, whose seed
    follows from the example's. The caption gives one of them a color that neither shape nor the ground has.
    """

    name = "wrong attribute"
    requirement = "a drawn scene"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield figures of the wrong color, and of the other shape's right one."""
        if case.example.scene is None:
            return
        seed = int(case.rng().integers(*PAIR_SEEDS))
        scene, caption, wrong, right = self.scene(seed, case.image.width)
        for said in judgments(case.explainer(scene.image, caption)):
            of_wrong, of_right = said.sum([wrong]), said.sum([right])
            words = {n: said.words[n] for n in (wrong, right)}
            for figure, word, value in (
                ("wrong color above zero", wrong, of_wrong > 0),
                ("wrong color colored", wrong, said.colors([wrong])),
                ("wrong color below the right one", wrong, of_wrong < of_right),
                ("right color colored", right, said.colors([right])),
            ):
                yield Row(float(value), words[word], said.importance, figure)

    @staticmethod
    def scene(seed: int, size: int = 224) -> tuple[Scene, str, int, int]:
        """Return a scene, a wrong caption of it, and the indices of the wrong and of the right color.

        Args:
            seed: of the scene and of what is wrong.
            size: width and height in pixels.
        """
        rng = Random(f"two shapes {seed}")  # the seed's own numbers decide the ground
        colors, shapes = rng.sample(list(COLORS), 2), rng.sample(SHAPES, 2)
        things = [" ".join(thing) for thing in zip(colors, shapes, strict=True)]
        seen = {*colors, _ground(seed, things)}
        wrong = rng.choice([color for color in COLORS if color not in seen])
        phrases = [f"{wrong} {shapes[0]}", things[1]]
        order = rng.sample((0, 1), 2)
        scene = sample_scene(seed, things, size)
        caption, words = naming([phrases[n] for n in order])
        return scene, caption, words[order.index(0)][0], words[order.index(1)][0]


@dataclass(frozen=True)
class TrueCaptions(_OfImportance):
    """What is said of the words of examples' own captions, which name what is there.

    Named words are the last words of the phrases that have masks.
    """

    name = "true captions"
    needs_masks = True
    requirement = "a word that names something with a mask, and occurs once"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield figures of each named word, and of the caption."""
        e = case.explanation
        roles = Roles.of(case.example, e.words)
        for said in judgments(e):
            for noun, zero in zip(roles.nouns, roles.at_zero(said.values), strict=True):
                for figure, value in (
                    ("named word at or below zero", zero),
                    ("named word colored", said.colors([noun])),
                ):
                    yield Row(float(value), e.words[noun].text, said.importance, figure)
            above = roles.nouns_above(said.values)
            if above is not None:
                figure = "named words above every function word"
                yield Row(float(above), "", said.importance, figure)
                figure = "a function word colored"
                yield Row(float(said.colors(roles.function)), "", said.importance, figure)


class Judgment(NamedTuple):
    """What an explanation says of a caption's words by one measure of their importance.

    Attributes:
        importance: name of the measure.
        words: the words.
        values: (W,) their importance.
        colored: indices of those that are colored.
    """

    importance: str
    words: tuple[str, ...]
    values: NDArray[np.float64]
    colored: frozenset[int]

    def sum(self, words: Sequence[int]) -> float:
        """Return the importance of some words together."""
        return float(self.values[list(words)].sum())

    def colors(self, words: Sequence[int]) -> bool:
        """Return whether one of some words is colored."""
        return not self.colored.isdisjoint(words)


def judgments(explanation: Explanation) -> Iterator[Judgment]:
    """Yield what an explanation says by each measure of importance that it has."""
    words = tuple(word.text for word in explanation.words)
    for name in explanation.importance_measures:
        values = explanation.importance(name).astype(np.float64)
        colored = frozenset(w for one in explanation.highlights(name) for w in one.words)
        yield Judgment(name, words, values, colored)


def naming(phrases: Sequence[str]) -> tuple[str, list[list[int]]]:
    """Return a caption that names one of each thing, and the indices of the words of each phrase.

    >>> naming(["dog", "red circle", "apple"])
    ('a dog, a red circle and an apple', [[1], [3, 4], [7]])

    Args:
        phrases: without an article.
    """
    caption = ""
    spans = []
    for n, phrase in enumerate(phrases):
        caption += "" if n == 0 else " and " if n == len(phrases) - 1 else ", "
        caption += singular(phrase)
        spans.append(range(len(caption) - len(phrase), len(caption)))
    words = split_words(caption)
    return caption, [[n for n, (start, _) in enumerate(words) if start in span] for span in spans]


def _ground(seed: int, things: Sequence[str]) -> str | None:
    """Return the color of the plain background of a scene of shapes, if it has one."""
    return Composer(package_artwork(), ()).lay_out(Random(seed), things).background


def _stems(*phrases: str) -> set[str]:
    """Return the words of some phrases by which things are compared: "dogs" is "dog"."""
    words = (phrase[a:b].casefold() for phrase in phrases for a, b in split_words(phrase))
    return {word.removesuffix("s") for word in words if word not in FUNCTION_WORDS}
