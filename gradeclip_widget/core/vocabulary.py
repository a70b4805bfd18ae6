"""Lists of words to compare a region with, their maps and their ranking. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from . import regions
from .explanation_data import Maps
from .regions import Box, Region

PHOTO = "a photo of a {}"  # the sentence that CLIP's authors put a class name into
_SHORT = 1e-3  # minimum norm to divide by: below it, embeddings differ only by rounding

_FIRST = 3  # words that the repr of a vocabulary names


@dataclass(frozen=True)
class Vocabulary:
    """Words, and the sentence template that the model encodes each word in.

    >>> Vocabulary("pets", ["dog", "cat", "parrot", "tortoise"])
    Vocabulary('pets', 4 words: dog, cat, parrot, ..., template='a photo of a {}')

    Attributes:
        name: name of the list.
        words: its entries; each may be several words ("traffic light").
        template: a text with ``{}`` in place of the word.

    Raises:
        ValueError: the list is empty, a word is empty, or the template has no ``{}``.
        TypeError: the words are a single string.
    """

    name: str
    words: Sequence[str] = field(repr=False)
    template: str = PHOTO

    def __post_init__(self) -> None:
        """Check the words, and drop duplicates."""
        if isinstance(self.words, str):
            raise TypeError(
                f"the words of a vocabulary are a list, not a single text: {self.words!r:.80}"
            )
        entries: Sequence[object] = self.words
        for word in entries:
            if not isinstance(word, str) or not word.strip():
                raise ValueError(f"vocabulary {self.name!r} contains {word!r}, which is not a word")
        if not self.words:
            raise ValueError(f"vocabulary {self.name!r} has no words; give at least one")
        if self.template.count("{}") != 1:
            raise ValueError(f"template {self.template!r} must contain one {{}}, for the word")
        object.__setattr__(self, "words", tuple(dict.fromkeys(self.words)))

    def __repr__(self) -> str:
        """Return one line: name, number of words and the first ones, template."""
        first = ", ".join([*self.words[:_FIRST], *["..."] * (len(self.words) > _FIRST)])
        count = f"{len(self.words):,} word{'s' * (len(self.words) != 1)}"
        return f"{type(self).__name__}({self.name!r}, {count}: {first}, template={self.template!r})"

    @property
    def texts(self) -> list[str]:
        """The template filled in with each word."""
        return [self.template.replace("{}", word) for word in self.words]


@dataclass(frozen=True, slots=True)
class SeenWord:
    """A word of a vocabulary, and how well a region fits it.

    Attributes:
        word: of the vocabulary.
        value: the value for the ranking. With `Explainer.classify_region` it is the cosine similarity of the
            embeddings of the region and the word. With `VocabularyMaps.rank` it is the mean of the word's
            map over the region minus the mean over the rest, minus the same for the average word, divided
            by the word's `lengths`.
    """

    word: str
    value: float


@dataclass(frozen=True, eq=False)
class VocabularyMaps:
    """Maps of one picture for every word of a vocabulary, to rank the words of any region quickly.

    Attributes:
        words: the V words.
        maps: (V, rows, cols) signed.
        lengths: (V,) norm of each word's text embedding after removing the mean embedding of the list and the
            component along the image embedding, along which a unit embedding cannot move.
        image_size: (width, height) of the picture in pixels.
        cover: box of the picture (x0, y0, x1, y1) that the maps cover.
    """

    words: tuple[str, ...] = field(repr=False)
    maps: Maps = field(repr=False)
    lengths: Maps = field(repr=False)
    image_size: tuple[int, int]
    cover: Box

    def rank(self, region: Region, count: int | None = 12) -> list[SeenWord]:
        """Rank the words by how much more evidence a region has for them than the rest of the picture.

        This needs no model; `Explainer.classify_region` names objects better.

        The part that all words of a list share ("a photo of a") carries no information about the region, so
        the mean over the list is subtracted. A word close to that mean or to the whole picture has a faint
        map, so values are divided by `lengths`.

        Args:
            region: as in `Explanation.region_words`.
            count: number of words; all when ``None``.

        Returns:
            The words, most evidence first; an empty list if the model did not see the region.

        Raises:
            ValueError: as `Explanation.region_words`.

        Warns:
            RegionWarning: the model did not see the region, or only a part of it.
        """
        rows, cols = self.maps.shape[1:]
        inside = regions.seen_coverage(region, self.image_size, (rows, cols), self.cover).ravel()
        if np.isnan(inside).any():
            return []
        rest = 1 - inside
        weights = inside / inside.sum() - rest / max(rest.sum(), np.finfo(np.float32).tiny)
        values = self.maps.reshape(len(self.maps), -1) @ weights.astype(np.float32)
        if len(values) > 1:
            values = values - values.mean()
        values = values / np.maximum(self.lengths, _SHORT)
        order = np.argsort(-values, kind="stable")[:count]
        return [SeenWord(self.words[k], float(values[k])) for k in order]
