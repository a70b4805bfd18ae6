"""An explanation and its arithmetic, in NumPy and PIL alone: it needs no model and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import evidence, regions
from .evidence import Highlight, RegionWord
from .explanation_record import IN_CAPTION, ExplanationRecord, Maps
from .words import find_phrase, find_word

if TYPE_CHECKING:
    from .regions import Region


@dataclass(frozen=True, eq=False)
class ExplanationData(ExplanationRecord):
    """Why a model matched one picture with one caption.

    Maps lie on the patch grid, (rows, cols) float32 in reading order, and are signed: positive where a
    patch speaks for the words. Pixels are those of ``image``. Arrays are read-only.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        caption: the caption as given.
        words: its words.
        tokens: the T tokens strictly between SOT and EOT, as text.
        score: cosine similarity of the explained pair.
        logit_scale, logit_bias: the model's; ``logit = logit_scale * score + (logit_bias or 0)``.
        signed_map: (rows, cols) the whole caption's map before the ReLU.
        interactions: (T, rows, cols) token x patch interactions.
        token_importance: (T,) share of each token in the caption's positive evidence, summing to 1
            (all zeros where there is none).
        alone: (W, rows, cols) maps along "a photo of a {word}", or ``None``.
        left_out: (W, rows, cols) maps along t minus t without the word, or ``None``.
        cover: box of the picture (x0, y0, x1, y1) that the grid spreads over.
        image_block_shares, text_block_shares: (L,) first-order contribution of every block's attention
            output to the score, shallowest first, along the pooled token's own stream.
        image_layers, text_layers: how many of the last blocks the maps explain.
        model, method: names to show. ``reference``: whether computed as the authors' code does.
        notes: what a reader should know, as sentences.
        seconds: what computing it took.
        word_effects: (W,) what the score loses when a word is left out: x.t minus x.t without it; or
            ``None``.
        integrated_gradients: (T,) attributions of the tokens in units of the score, or ``None``.
    """

    # Maps of words

    def word_map(self, word: str | int, reading: str = IN_CAPTION) -> Maps:
        """(rows, cols) signed map of one word.

        Args:
            word: the word as written (case aside), or its index, needed where it occurs twice.
            reading: ``"in caption"``, ``"alone"`` or ``"left out"``.

        Raises:
            ValueError: no such word, several of it, or no such reading.
            IndexError: the index is out of range.
        """
        maps: Maps = self.word_maps(reading)[self.word_index(word)]
        return maps

    def phrase_map(self, phrase: str | Sequence[str | int], reading: str = IN_CAPTION) -> Maps:
        """(rows, cols) signed map of several words: the sum of theirs.

        Args:
            phrase: words as they follow each other in the caption (``"red car"``), or a list of words and
                indices from anywhere in it.
            reading: as in `word_map`.

        Raises:
            ValueError: the phrase is not in the caption.
        """
        if isinstance(phrase, str):
            indices = find_phrase(self.words, phrase)
        else:
            indices = [self.word_index(w) for w in phrase]
        total: Maps = self.word_maps(reading)[indices].sum(0, dtype=np.float32)
        return total

    def map_of(
        self, phrase: str | int | Sequence[str | int] | None = None, reading: str = IN_CAPTION
    ) -> Maps:
        """(rows, cols) signed map of a word, a phrase, or (``None``) the whole caption."""
        if phrase is None:
            return self.signed_map
        if isinstance(phrase, int | np.integer):
            return self.word_map(int(phrase), reading)
        return self.phrase_map(phrase, reading)

    def word_index(self, word: str | int) -> int:
        """Index of a word of the caption; see `word_map`."""
        return find_word(self.words, word)

    # Evidence in units of the score

    def word_evidence(self, reading: str | None = None, measure: str | None = None) -> Maps:
        """(W, rows, cols) every word's importance, spread over the picture in proportion to its map.

        In units of the score: a word's values sum to its importance, so that sums over words and patches can
        be set against each other and against the score. A word that helps the match lies where its map is
        positive, one that hurts it where its map is negative, and one whose map has nothing of that sign
        nowhere.

        Args:
            reading: as in `word_map`; ``evidence_reading`` when ``None``.
            measure: as in `importance`.

        Raises:
            ValueError: there is no such reading or measure, or it was not computed.
        """
        return self._evidence(reading, measure).astype(np.float32)

    @property
    def evidence_map(self) -> Maps:
        """(rows, cols) where what the words bring to the score comes from: their positive evidence summed."""
        return evidence.positive_sum(self._evidence()).astype(np.float32)

    def highlights(self, measure: str | None = None) -> tuple[Highlight, ...]:
        """Words that count, in caption order: those of a quarter or more of the largest importance.

        Neighbours that point at the same place, as in "red circle", are one. The six most important have a
        hue each.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        return evidence.find_highlights(self.importance(measure), self._evidence(None, measure))

    def _evidence(self, reading: str | None = None, measure: str | None = None) -> evidence.Values:
        maps = self.word_maps(self.evidence_reading if reading is None else reading)
        return evidence.spread(self.importance(measure), maps)

    # Regions of the picture

    def region_words(
        self, region: Region, reading: str | None = None, measure: str | None = None
    ) -> list[RegionWord]:
        """Words ranked by the part of their importance that comes from a region of the picture, most first.

        Args:
            region: a box (x0, y0, x1, y1), a polygon [(x, y), ...] of three points or more, or a boolean
                mask (height, width), in image pixels; or a widget's ``region``.
            reading: as in `word_map`; ``evidence_reading``, as of the first picture, when ``None``.
            measure: as in `importance`.

        Raises:
            ValueError: the region is malformed or lies outside the picture; no such reading or measure.
        """
        covered = self.coverage(region).astype(np.float64)
        reading = self.evidence_reading if reading is None else reading
        maps = self.word_maps(reading)
        values = (self._evidence(reading, measure) * covered).sum((1, 2))
        order = sorted(range(len(self.words)), key=lambda w: -values[w])
        return [
            RegionWord(w, self.words[w].text, float(values[w]), evidence.share_in(maps[w], covered))
            for w in order
        ]

    def region_share(
        self, region: Region, phrase: str | int | Sequence[str | int], reading: str = IN_CAPTION
    ) -> float:
        """The part of a phrase's positive evidence that lies in a region, 0 to 1; 0 where there is none.

        Args:
            region: as in `region_words`.
            phrase: as in `phrase_map`, or one word's index.
            reading: as in `word_map`.

        Raises:
            ValueError: no such region or phrase.
        """
        return evidence.share_in(self.map_of(phrase, reading), self.coverage(region))

    def coverage(self, region: Region) -> Maps:
        """(rows, cols) the fraction of each patch that a region covers."""
        return regions.coverage(region, self.image.size, self.patch_grid, self.cover)
