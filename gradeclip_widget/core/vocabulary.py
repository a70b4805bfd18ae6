"""Lists of words to compare a region with, and their maps and ranking. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from . import regions
from .explanation_data import Maps
from .regions import Box, Region

PHOTO = "a photo of a {}"  # the sentence that CLIP's authors put a class name into
_SHORT = 1e-3  # shortest norm to divide by: below it embeddings differ by rounding only


@dataclass(frozen=True)
class Vocabulary:
    """Words, and the sentence that each is put into before a model encodes it.

    Attributes:
        name: what to call the list.
        words: its words; each may be several ("traffic light").
        template: a text with ``{}`` where the word goes.

    Raises:
        ValueError: there are no words, an empty one, or no place for them in the template.
        TypeError: the words are one string.
    """

    name: str
    words: Sequence[str] = field(repr=False)
    template: str = PHOTO

    def __post_init__(self) -> None:
        """Check the words, and drop duplicates."""
        if isinstance(self.words, str):
            raise TypeError(
                f"the words of a vocabulary are a list, not one text: {self.words!r:.80}"
            )
        given: Sequence[object] = self.words
        for word in given:
            if not isinstance(word, str) or not word.strip():
                raise ValueError(f"vocabulary {self.name!r} holds {word!r}, which is no word")
        if not self.words:
            raise ValueError(f"vocabulary {self.name!r} has no words; give at least one")
        if self.template.count("{}") != 1:
            raise ValueError(f"template {self.template!r} must hold one {{}}, where the word goes")
        object.__setattr__(self, "words", tuple(dict.fromkeys(self.words)))

    @property
    def texts(self) -> list[str]:
        """The template filled in with each word."""
        return [self.template.replace("{}", word) for word in self.words]


@dataclass(frozen=True, slots=True)
class SeenWord:
    """A word of a vocabulary, and how well a region fits it.

    Attributes:
        word: of the vocabulary.
        value: what it is ranked by. `Explainer.classify_region` gives the cosine similarity of the region's
            embedding with the word's. `VocabularyMaps.rank` gives the mean of the word's map over the region
            minus the mean over the rest, less the average word's, over the word's `lengths`.
    """

    word: str
    value: float


@dataclass(frozen=True, eq=False)
class VocabularyMaps:
    """Maps of one picture along every word of a vocabulary, from which any region can be ranked quickly.

    Attributes:
        words: V of them.
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
        """Rank the words by how much more evidence for them a region has than the rest of the picture.

        This needs no model; `Explainer.classify_region` names objects better.

        What the words of a list have in common ("a photo of a") tells nothing about the region, so the mean
        over the list is subtracted. A word close to that mean or to the whole picture has a faint map, so
        values are divided by `lengths`.

        Args:
            region: as in `Explanation.region_words`.
            count: how many; all when ``None``.

        Returns:
            The words, most evidence first; an empty list where the region lies outside `cover`.

        Raises:
            ValueError: no such region.
        """
        rows, cols = self.maps.shape[1:]
        inside = regions.coverage(region, self.image_size, (rows, cols), self.cover).ravel()
        if not inside.any():
            return []
        rest = 1 - inside
        weights = inside / inside.sum() - rest / max(rest.sum(), np.finfo(np.float32).tiny)
        values = self.maps.reshape(len(self.maps), -1) @ weights.astype(np.float32)
        if len(values) > 1:
            values = values - values.mean()
        values = values / np.maximum(self.lengths, _SHORT)
        order = np.argsort(-values, kind="stable")[:count]
        return [SeenWord(self.words[k], float(values[k])) for k in order]
