"""Captions of drawn scenes: what they claim, how they read, and how they can be made untrue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from .world import COLOURS, OBJECTS, PAIRINGS, PREFIXES, SHAPES, counted


@dataclass(frozen=True)
class Mention:
    """One thing that a caption names."""

    noun: str  # "apple", "circle"
    colour: str | None = None  # shapes have one, objects none
    count: int = 1

    @property
    def phrase(self) -> str:
        """The noun with its colour: "red circle"."""
        return f"{self.colour} {self.noun}" if self.colour else self.noun

    def __str__(self) -> str:
        return counted(self.phrase, self.count)


@dataclass(frozen=True)
class Caption:
    """A caption as the claims it makes; `str()` gives the words."""

    mentions: tuple[Mention, ...]
    joint: str = "and"  # between the last two mentions: a pairing or a relation
    background: str | None = None
    prefix: str = ""

    def __str__(self) -> str:
        names = [str(mention) for mention in self.mentions]
        text = f" {self.joint} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
        if self.background:
            text += f" on a {self.background} background"
        return self.prefix + text

    def falsified(self, rng: Random, seen: Sequence[str]) -> Caption:
        """Return a caption close to this one that names a thing or a colour that is not there.

        Counts and relations stay: a model without positions that averages what it reads cannot see either,
        and would only learn to tell captions apart by words that say nothing.

        Args:
            rng: Decides what is changed.
            seen: Phrases of all that is in the picture.
        """
        edits = [self._wrong_noun]
        if any(mention.colour for mention in self.mentions):
            edits += [self._wrong_colour] * 4
        return rng.choice(edits)(rng, seen)

    def shortened(self, rng: Random) -> Caption:
        """Return a caption that leaves out one of the things that this one names, of two or more."""
        gone = rng.randrange(len(self.mentions))
        return replace(self, mentions=self.mentions[:gone] + self.mentions[gone + 1 :])

    def _wrong_noun(self, rng: Random, seen: Sequence[str]) -> Caption:
        old = rng.choice(self.mentions)
        nouns = [
            noun
            for noun in (SHAPES if old.colour else OBJECTS)
            if Mention(noun, old.colour).phrase not in seen
        ]
        return self._swapped(old, replace(old, noun=rng.choice(nouns)))

    def _wrong_colour(self, rng: Random, seen: Sequence[str]) -> Caption:
        shapes = [mention for mention in self.mentions if mention.colour]
        old, *_, other = rng.sample(shapes, len(shapes)) * 2
        crossed = replace(old, colour=other.colour), replace(other, colour=old.colour)
        if old.colour != other.colour and not {mention.phrase for mention in crossed} & {*seen}:
            return self._swapped(old, crossed[0], other, crossed[1])
        # The colour of another shape in the picture is the one most easily mistaken.
        beside = [phrase.split()[0] for phrase in seen if " " in phrase]
        choices = [
            [colour for colour in pool if Mention(old.noun, colour).phrase not in seen]
            for pool in (beside, COLOURS)
        ]
        colours = choices[0] if choices[0] and rng.random() < 0.8 else choices[1]
        return self._swapped(old, replace(old, colour=rng.choice(colours)))

    def _swapped(self, *pairs: Mention) -> Caption:
        """This caption with every first of two mentions replaced by the second."""
        new = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return replace(self, mentions=tuple(new.get(m, m) for m in self.mentions))


def describe(
    rng: Random,
    things: Sequence[Mention],
    centres: Sequence[tuple[int, int]],
    background: str | None,
) -> Caption:
    """A true caption of a scene.

    Args:
        rng: Decides what is mentioned, in which order, and how.
        things: All that is in the picture.
        centres: For each, its x and y; used where it is there once.
        background: The colour of a plain background.
    """
    order = list(range(len(things)))
    rng.shuffle(order)
    if rng.random() < 0.3:  # what is left out are distractors
        order = order[: rng.randint(1, len(order))]
    mentions = tuple(things[k] for k in order)
    joint = "and"
    if len(order) == 2:
        if all(mention.count == 1 for mention in mentions) and rng.random() < 0.55:
            joint = _relation(centres[order[0]], centres[order[1]])
        else:
            joint = rng.choice(PAIRINGS)
    named_background = background if background and rng.random() < 0.4 else None
    return Caption(mentions, joint, named_background, rng.choice(PREFIXES))


def _relation(a: tuple[int, int], b: tuple[int, int]) -> str:
    across, down = a[0] - b[0], a[1] - b[1]
    if abs(across) > abs(down):
        return "left of" if across < 0 else "right of"
    return "above" if down < 0 else "below"
