"""Captions of drawn scenes: their claims, their wording, and false versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from .world import COLORS, OBJECTS, PAIRINGS, PREFIXES, SHAPES, counted


@dataclass(frozen=True)
class Mention:
    """One thing that a caption names."""

    noun: str  # "apple", "circle"
    color: str | None = None  # shapes have one, objects none
    count: int = 1

    @property
    def phrase(self) -> str:
        """The noun with its color: "red circle"."""
        return f"{self.color} {self.noun}" if self.color else self.noun

    def __str__(self) -> str:
        return counted(self.phrase, self.count)


@dataclass(frozen=True)
class Caption:
    """A caption as the claims it makes; ``str()`` gives its words."""

    mentions: tuple[Mention, ...]
    joint: str = "and"  # between the last two mentions: a conjunction or a relation
    background: str | None = None
    prefix: str = ""

    def __str__(self) -> str:
        names = [str(mention) for mention in self.mentions]
        text = f" {self.joint} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
        if self.background:
            text += f" on a {self.background} background"
        return self.prefix + text

    def falsified(self, rng: Random, present: Sequence[str]) -> Caption:
        """Return a caption close to this one that names a thing or a color that is not in the picture.

        Counts and relations do not change. A model without positions that averages over the picture cannot
        see them, and would learn to distinguish captions by words without meaning for it.

        Args:
            rng: chooses the change.
            present: phrases of everything in the picture.
        """
        edits = [self._wrong_noun]
        if any(mention.color for mention in self.mentions):
            edits += [self._wrong_color] * 4
        return rng.choice(edits)(rng, present)

    def shortened(self, rng: Random) -> Caption:
        """Return a caption without one of the two or more things that this one names."""
        n = rng.randrange(len(self.mentions))
        return replace(self, mentions=self.mentions[:n] + self.mentions[n + 1 :])

    def _wrong_noun(self, rng: Random, present: Sequence[str]) -> Caption:
        old = rng.choice(self.mentions)
        nouns = [
            noun
            for noun in (SHAPES if old.color else OBJECTS)
            if Mention(noun, old.color).phrase not in present
        ]
        return self._swapped(old, replace(old, noun=rng.choice(nouns)))

    def _wrong_color(self, rng: Random, present: Sequence[str]) -> Caption:
        shapes = [mention for mention in self.mentions if mention.color]
        old, *_, other = rng.sample(shapes, len(shapes)) * 2
        crossed = replace(old, color=other.color), replace(other, color=old.color)
        if old.color != other.color and not {mention.phrase for mention in crossed} & {*present}:
            return self._swapped(old, crossed[0], other, crossed[1])
        # The color of another shape in the picture is the most difficult negative.
        beside = [phrase.split()[0] for phrase in present if " " in phrase]
        choices = [
            [color for color in pool if Mention(old.noun, color).phrase not in present]
            for pool in (beside, COLORS)
        ]
        colors = choices[0] if choices[0] and rng.random() < 0.8 else choices[1]
        return self._swapped(old, replace(old, color=rng.choice(colors)))

    def _swapped(self, *pairs: Mention) -> Caption:
        """Return this caption with mentions replaced, given as pairs of an old and a new one."""
        new = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return replace(self, mentions=tuple(new.get(m, m) for m in self.mentions))


def describe(
    rng: Random,
    things: Sequence[Mention],
    centers: Sequence[tuple[int, int]],
    background: str | None,
) -> Caption:
    """Return a true caption of a scene.

    Args:
        rng: chooses the things, their order and the wording.
        things: everything in the picture.
        centers: (x, y) of each; used for single things.
        background: color of a plain background.
    """
    order = list(range(len(things)))
    rng.shuffle(order)
    if rng.random() < 0.3:  # the things that are not mentioned are distractors
        order = order[: rng.randint(1, len(order))]
    mentions = tuple(things[k] for k in order)
    joint = "and"
    if len(order) == 2:
        if all(mention.count == 1 for mention in mentions) and rng.random() < 0.55:
            joint = _relation(centers[order[0]], centers[order[1]])
        else:
            joint = rng.choice(PAIRINGS)
    named_background = background if background and rng.random() < 0.4 else None
    return Caption(mentions, joint, named_background, rng.choice(PREFIXES))


def _relation(a: tuple[int, int], b: tuple[int, int]) -> str:
    across, down = a[0] - b[0], a[1] - b[1]
    if abs(across) > abs(down):
        return "left of" if across < 0 else "right of"
    return "above" if down < 0 else "below"
