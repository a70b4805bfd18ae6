"""What can be asked of an explanation, in NumPy and PIL alone: no model and no torch."""

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

    Maps are (rows, cols) float32 on the patch grid and signed: positive where a patch raises the score of the
    words. Coordinates are pixels of ``image``. Arrays are read-only.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        caption: the caption as given.
        words: its words.
        tokens: the T tokens strictly between SOT and EOT, as text.
        score: cosine similarity of the explained pair.
        logit_scale, logit_bias: the model's; ``logit = logit_scale * score + (logit_bias or 0)``.
        signed_map: (rows, cols) the whole caption's map before the ReLU.
        interactions: (T, rows, cols) token x patch interactions.
        token_importance: (T,) token attributions: the positive part of each token's contribution to the
            score, normalized to sum to 1 (all zeros where no contribution is positive).
        alone: (W, rows, cols) maps along the embedding of the word as a caption of its own, or ``None``.
        left_out: (W, rows, cols) maps along t minus t without the word, or ``None``.
        cover: box of the picture (x0, y0, x1, y1) that the grid covers.
        image_block_shares, text_block_shares: (L,) block contributions: to first order, what every block's
            attention output adds to the score through the pooled token's residual stream, shallowest first.
        image_layers, text_layers: how many of the last blocks the maps explain.
        model, method: names to show. ``reference``: whether computed as the authors' code does.
        notes: what a reader should know, as sentences.
        seconds: how long computing it took, or ``None``.
        word_effects: (W,) leave-one-out scores: x.t minus x.t without the word; or ``None``.
        integrated_gradients: (T,) attributions of the tokens in units of the score, or ``None``.
        shapley: (W,) Shapley values of the words in units of the score (see `core.shapley`), or ``None``.
        empty_score: score of the caption without any of its words, or ``None``.
        unrelated_scores: (K,) cosine similarities of the picture with unrelated sentences, ascending, or
            ``None``.
        foreign: whether the picture is unlike all that the model was trained on, so that nothing here means
            anything; the first note says so. Only the embedded model, which knows drawings alone, says it.
    """

    # Maps of words

    def word_map(self, word: str | int, reading: str = IN_CAPTION) -> Maps:
        """Return the signed map (rows, cols) of one word.

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
        """Return the signed map (rows, cols) of several words: the sum of their maps.

        Args:
            phrase: words as they follow each other in the caption (``"red car"``), or a list of words and
                indices from anywhere in it.
            reading: as in `word_map`.

        Raises:
            ValueError: the phrase is not in the caption.
        """
        words = self.phrase_words(phrase)
        total: Maps = self.word_maps(reading)[words].sum(0, dtype=np.float32)
        return total

    def phrase_words(self, phrase: str | int | Sequence[str | int]) -> list[int]:
        """Return the indices of a phrase's words; see `phrase_map`."""
        if isinstance(phrase, str):
            return find_phrase(self.words, phrase)
        several = [phrase] if isinstance(phrase, int | np.integer) else phrase
        return [self.word_index(word) for word in several]

    def map_of(
        self, phrase: str | int | Sequence[str | int] | None = None, reading: str = IN_CAPTION
    ) -> Maps:
        """Return the signed map (rows, cols) of a word, a phrase, or (``None``) the whole caption."""
        if phrase is None:
            return self.signed_map
        if isinstance(phrase, int | np.integer):
            return self.word_map(int(phrase), reading)
        return self.phrase_map(phrase, reading)

    def word_index(self, word: str | int) -> int:
        """Return the index of a word of the caption; see `word_map`."""
        return find_word(self.words, word)

    # Evidence in units of the score

    def word_evidence(self, reading: str | None = None, measure: str | None = None) -> Maps:
        """Return every word's importance spread over the picture in proportion to its map, (W, rows, cols).

        Values are in units of the score, and a word's values sum to its importance, so that sums over words
        and patches can be compared with each other and with the score. Positive importance is spread over
        the positive part of the map, negative importance over the negative part; a word whose map has no
        value of that sign has zeros.

        Args:
            reading: as in `word_map`; ``evidence_reading`` when ``None``.
            measure: as in `importance`.

        Raises:
            ValueError: there is no such reading or measure, or it was not computed.
        """
        return self._evidence(reading, measure).astype(np.float32)

    def phrase_evidence(
        self, phrase: str | int | Sequence[str | int], reading: str = IN_CAPTION
    ) -> Maps:
        """Return a phrase's importance spread over the picture in proportion to its map, (rows, cols).

        Args:
            phrase: as in `phrase_map`, or one word's index.
            reading: as in `word_map`.

        Raises:
            ValueError: no such phrase or reading.
        """
        words = self.phrase_words(phrase)
        importance = self.importance()[words].sum(keepdims=True)
        spread_out = evidence.spread(importance, self.map_of(words, reading)[None])
        values: Maps = spread_out[0].astype(np.float32)
        return values

    @property
    def evidence_map(self) -> Maps:
        """(rows, cols) sum of the positive evidence of all words, in units of the score."""
        return evidence.positive_sum(self._evidence()).astype(np.float32)

    def highlights(self, measure: str | None = None) -> tuple[Highlight, ...]:
        """Return the words of at least 15 % of the largest importance, in caption order.

        Words that lower the score, and words that the model was never trained on, are none. An attribute and
        its thing ("red circle"), and neighbors whose evidence lies in the same place, are one highlight.
        Each of the six most important ones has a hue.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        maps = self._evidence(None, measure)
        return evidence.find_highlights(self.importance(measure), maps, self.words)

    def lowering_words(self, measure: str | None = None) -> tuple[int, ...]:
        """Return the indices of the words that lower the score, in caption order.

        Left out are words whose importance is less than 10 % of the largest in size, small words ("a"), and
        words that the model was never trained on.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        return evidence.lowering(self.importance(measure), self.words)

    def _evidence(self, reading: str | None = None, measure: str | None = None) -> evidence.Values:
        maps = self.word_maps(self.evidence_reading if reading is None else reading)
        return evidence.spread(self.importance(measure), maps)

    # Regions of the picture

    def region_words(
        self, region: Region, reading: str | None = None, measure: str | None = None
    ) -> list[RegionWord]:
        """Rank the words by how much of their importance comes from a region of the picture, most first.

        Args:
            region: a box (x0, y0, x1, y1), a polygon [(x, y), ...] of three points or more, or a boolean
                mask (height, width), in image pixels; or a widget's ``region``.
            reading: as in `word_map`; ``evidence_reading`` when ``None``.
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
        """Return the fraction of a phrase's positive evidence that lies in a region; 0 where it has none.

        Args:
            region: as in `region_words`.
            phrase: as in `phrase_map`, or one word's index.
            reading: as in `word_map`.

        Raises:
            ValueError: no such region or phrase.
        """
        return evidence.share_in(self.map_of(phrase, reading), self.coverage(region))

    def coverage(self, region: Region) -> Maps:
        """Return the fraction of each patch that a region covers, (rows, cols)."""
        return regions.coverage(region, self.image.size, self.patch_grid, self.cover)
