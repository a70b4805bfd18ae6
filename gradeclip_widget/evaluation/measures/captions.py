"""Measures of the importance of words in captions that are known to be wrong, or right."""

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

NAMED = 2  # largest number of visible things that a caption names beside the absent one
# Range of the seeds of scenes of two shapes, above the seeds of all training and tuning.
PAIR_SEEDS = 1_000_000, 2**31


@dataclass(frozen=True)
class _OfImportance(Measure):
    """Base class of measures with several quantities for every importance that an explanation has.

    A word is colored if it is among the explanation's `highlights` by that importance. For the default
    importance, these are the words that the widget colors first.
    """

    unit = "part of the words or captions"
    grouped_by = "importance"
    of_importance: ClassVar[bool] = True


@dataclass(frozen=True)
class AbsentWords(_OfImportance):
    """Importance of a word for a thing that is not in the picture.

    The caption names up to two things that are in the picture and one that is not, in random order: "a dog, a
    tree and a boat". The things come from the example: phrases with masks, or ``present``, and ``absent``,
    which drawn scenes, COCO's instances and folders of masks have. A thing is not used as absent if it shares
    a word with the caption or with a thing in the picture.

    The importance of a phrase is the sum over its words. It is colored if one of its words is.

    Args:
        classes: things that captions may name as absent, as phrases without an article; an example's
            ``absent`` when ``None``. If one of them is in a picture, the example's ``present`` must name it.
    """

    classes: Sequence[str] | None = field(default=None, repr=False)

    name = "absent words"
    requirement = "a thing that is known to be in the picture, and one that is known not to be"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the quantities of the absent thing, of each visible thing, and of each pair of both."""
        rng = case.rng()
        things = self.things(case.example, rng, case.unseen())
        if things is None:
            return
        visible, absent = things
        phrases = [*visible, absent]
        order = rng.permutation(len(phrases)).tolist()
        caption, indices = naming([phrases[n] for n in order])
        words = {phrases[n]: some for n, some in zip(order, indices, strict=True)}
        for judgment in judgments(case.explain(caption)):
            of_absent = judgment.sum(words[absent])
            figures = [
                ("absent word above zero", absent, of_absent > 0),
                ("absent word colored", absent, judgment.colors(words[absent])),
            ]
            for thing in visible:
                figures.append(("visible word colored", thing, judgment.colors(words[thing])))
                sign = np.sign(judgment.sum(words[thing]) - of_absent)
                figures.append(("visible word above the absent one (AUC)", thing, (1 + sign) / 2))
            for figure, phrase, value in figures:
                yield Row(float(value), phrase, judgment.importance, figure)

    def things(
        self, example: Example, rng: np.random.Generator, unseen: Sequence[str] = ()
    ) -> tuple[list[str], str] | None:
        """Return the things for a caption to name: some in the picture, and one that is not in it.

        Args:
            example: the example with the picture.
            rng: chooses the things at random.
            unseen: things that the model did not see, as `Case.unseen` returns them.

        Returns:
            Visible things and an absent one; ``None`` if the example knows no visible or no absent thing.
        """
        masked = [
            phrase if isinstance(phrase, str) else example.caption[slice(*phrase)]
            for phrase in example.masks
        ]
        # Captions of photographs name large things; other things in the picture may be too small to see.
        candidates = masked if masked and example.scene is None else example.present
        candidates = [phrase for phrase in candidates if phrase not in unseen]
        visible: list[str] = []
        for n in rng.permutation(len(candidates)):
            if len(visible) < NAMED and not _stems(candidates[n]) & _stems(*visible):
                visible.append(candidates[n])
        in_picture = _stems(example.caption, *masked, *example.present)
        classes = example.absent if self.classes is None else self.classes
        absent = [phrase for phrase in classes if not _stems(phrase) & in_picture]
        if not visible or not absent:
            return None
        return visible, absent[rng.integers(len(absent))]


@dataclass(frozen=True)
class WrongAttribute(_OfImportance):
    """Importance of a wrong color, on drawn scenes of two shapes: "a green circle and a blue square".

    For each example that is a drawn scene, a scene of two shapes of different colors is drawn, with a seed
    derived from the example's. In the caption, one shape has a color that is not in the scene.
    """

    name = "wrong attribute"
    requirement = "a drawn scene"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the quantities of the wrong color, and of the other shape's right color."""
        if case.example.scene is None:
            return
        seed = int(case.rng().integers(*PAIR_SEEDS))
        scene, caption, wrong, right = self.scene(seed, case.image.width)
        for judgment in judgments(case.explainer(scene.image, caption)):
            of_wrong, of_right = judgment.sum([wrong]), judgment.sum([right])
            words = {n: judgment.words[n] for n in (wrong, right)}
            for figure, word, value in (
                ("wrong color above zero", wrong, of_wrong > 0),
                ("wrong color colored", wrong, judgment.colors([wrong])),
                ("wrong color below the right one", wrong, of_wrong < of_right),
                ("right color colored", right, judgment.colors([right])),
            ):
                yield Row(float(value), words[word], judgment.importance, figure)

    @staticmethod
    def scene(seed: int, size: int = 224) -> tuple[Scene, str, int, int]:
        """Return a scene, a wrong caption of it, and the indices of the wrong and of the right color.

        Args:
            seed: seed of the scene and of the wrong color.
            size: width and height in pixels.
        """
        rng = Random(f"two shapes {seed}")  # `Random(seed)` chooses the background
        colors, shapes = rng.sample(list(COLORS), 2), rng.sample(SHAPES, 2)
        things = [" ".join(thing) for thing in zip(colors, shapes, strict=True)]
        in_scene = {*colors, _background(seed, things)}
        wrong = rng.choice([color for color in COLORS if color not in in_scene])
        phrases = [f"{wrong} {shapes[0]}", things[1]]
        order = rng.sample((0, 1), 2)
        scene = sample_scene(seed, things, size)
        caption, words = naming([phrases[n] for n in order])
        return scene, caption, words[order.index(0)][0], words[order.index(1)][0]


@dataclass(frozen=True)
class TrueCaptions(_OfImportance):
    """Importance of the words of the examples' captions, which name things in the picture.

    Named words are the last words of the phrases that have masks.
    """

    name = "true captions"
    needs_masks = True
    requirement = "a word that names something with a mask, and occurs once"

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the quantities of each named word, and of the caption."""
        e = case.explanation
        roles = Roles.of(case.example, e.words)
        for judgment in judgments(e):
            for noun, zero in zip(roles.nouns, roles.at_zero(judgment.values), strict=True):
                for figure, value in (
                    ("named word at or below zero", zero),
                    ("named word colored", judgment.colors([noun])),
                ):
                    yield Row(float(value), e.words[noun].text, judgment.importance, figure)
            above = roles.nouns_above(judgment.values)
            if above is not None:
                figure = "named words above every function word"
                yield Row(float(above), "", judgment.importance, figure)
                figure = "a function word colored"
                colored = judgment.colors(roles.function)
                yield Row(float(colored), "", judgment.importance, figure)


class Judgment(NamedTuple):
    """The importance of a caption's words by one measure, and which words are colored.

    Attributes:
        importance: name of the measure of importance.
        words: the words.
        values: (W,) their importance.
        colored: indices of those that are colored.
    """

    importance: str
    words: tuple[str, ...]
    values: NDArray[np.float64]
    colored: frozenset[int]

    def sum(self, words: Sequence[int]) -> float:
        """Return the sum of the importance of some words."""
        return float(self.values[list(words)].sum())

    def colors(self, words: Sequence[int]) -> bool:
        """Return whether at least one of some words is colored."""
        return not self.colored.isdisjoint(words)


def judgments(explanation: Explanation) -> Iterator[Judgment]:
    """Yield the words' importance by each measure that an explanation has."""
    words = tuple(word.text for word in explanation.words)
    for name in explanation.importance_measures:
        values = explanation.importance(name).astype(np.float64)
        colored = frozenset(w for part in explanation.highlights(name) for w in part.words)
        yield Judgment(name, words, values, colored)


def naming(phrases: Sequence[str]) -> tuple[str, list[list[int]]]:
    """Return a caption that names each thing once, and the indices of the words of each phrase.

    >>> naming(["dog", "red circle", "apple"])
    ('a dog, a red circle and an apple', [[1], [3, 4], [7]])

    Args:
        phrases: names of the things, without an article.
    """
    caption = ""
    spans = []
    for n, phrase in enumerate(phrases):
        caption += "" if n == 0 else " and " if n == len(phrases) - 1 else ", "
        caption += singular(phrase)
        spans.append(range(len(caption) - len(phrase), len(caption)))
    words = split_words(caption)
    return caption, [[n for n, (start, _) in enumerate(words) if start in span] for span in spans]


def _background(seed: int, things: Sequence[str]) -> str | None:
    """Return the color of the background of a scene of shapes; ``None`` if it is not plain."""
    return Composer(package_artwork(), ()).lay_out(Random(seed), things).background


def _stems(*phrases: str) -> set[str]:
    """Return the words of some phrases in the form in which they are compared: "dogs" as "dog"."""
    words = (phrase[a:b].casefold() for phrase in phrases for a, b in split_words(phrase))
    return {word.removesuffix("s") for word in words if word not in FUNCTION_WORDS}
