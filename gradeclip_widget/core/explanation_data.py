"""An explanation's values and the maps, measures and regions derived from them. No model, no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import evidence, regions, things
from .evidence import (
    EVIDENCE,
    GRAD_ECLIP,
    INTEGRATED_GRADIENTS,
    LEAVE_ONE_OUT,
    MEASURES,
    SHAPLEY,
    Highlight,
    RegionWord,
    picture_shares,
    sum_tokens,
)
from .words import Word, find_phrase, find_word

if TYPE_CHECKING:
    from .regions import Box, Region
    from .things import Bits

Maps = NDArray[np.float32]

IN_CAPTION, ALONE, LEFT_OUT = "in caption", "alone", "left out"
READINGS = (IN_CAPTION, ALONE, LEFT_OUT)
# The model for pictures that are foreign to the embedded model, and the size of its download.
FOR_PHOTOGRAPHS, MEGABYTES = "ViT-B-16/openai", 599


@dataclass(frozen=True, eq=False)
class ExplanationData:
    """Why a model matched one picture with one caption.

    Maps are (rows, cols) float32 on the patch grid and signed: positive where a patch raises the score of the
    words. Coordinates are pixels of ``image``. Arrays are read-only.

    A map is in one of two units. The fields have raw maps, in the units of the method: their shape has a
    meaning, their size does not. `word_map`, `phrase_map`, `caption_map`, `word_evidence` and
    ``evidence_map`` are in units of the score, as the widget shows them: the part of the score that comes
    from each patch. `raw_map` and `raw_maps` return raw maps of words.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        caption: the caption as given.
        words: its words.
        tokens: the T tokens strictly between SOT and EOT, as text.
        score: cosine similarity of the explained pair.
        logit_scale, logit_bias: the model's; ``logit = logit_scale * score + (logit_bias or 0)``.
        signed_map: (rows, cols) the whole caption's raw map before the ReLU.
        interactions: (T, rows, cols) raw token x patch interactions.
        token_importance: (T,) token attributions: the positive part of each token's contribution to the
            score, normalized to sum to 1 (all zeros where no contribution is positive).
        alone: (W, rows, cols) raw maps along the embedding of the word as a caption of its own, or ``None``.
        left_out: (W, rows, cols) raw maps along t minus t without the word, or ``None``.
        cover: box of the picture (x0, y0, x1, y1) that the grid covers.
        image_block_shares, text_block_shares: (L,) block contributions: to first order, what every block's
            attention output adds to the score through the pooled token's residual stream, shallowest first.
        image_layers, text_layers: how many of the last blocks the maps explain.
        model, method: names to show. ``reference``: whether computed as the authors' code does.
        notes: sentences that a reader should know.
        seconds: the computing time, or ``None``.
        word_effects: (W,) leave-one-out scores, in units of the score: x.t minus x.t without the word; or
            ``None``.
        integrated_gradients: (T,) attributions of the tokens in units of the score, or ``None``.
        shapley: (W,) Shapley values of the words in units of the score (see `core.shapley`), or ``None``.
        empty_score: score of the caption without its words, or ``None``.
        unrelated_scores: (K,) cosine similarities of the picture with unrelated sentences, ascending, or
            ``None``.
        foreign: whether the picture is unlike everything that the model was trained on, so that the values
            mean nothing; the first note is the warning. Only the embedded model, which was trained on
            drawings, sets it.
        things: (P, P / 8 rounded up) bits, the thing around each of the P patches (see `thing_at`), or
            ``None``.
    """

    image: Image.Image = field(repr=False)
    caption: str
    words: tuple[Word, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    score: float
    logit_scale: float
    logit_bias: float | None
    signed_map: Maps = field(repr=False)
    interactions: Maps = field(repr=False)
    token_importance: Maps = field(repr=False)
    alone: Maps | None = field(repr=False)
    left_out: Maps | None = field(repr=False)
    cover: Box
    image_block_shares: Maps = field(repr=False)
    text_block_shares: Maps = field(repr=False)
    image_layers: int
    text_layers: int
    model: str
    method: str
    reference: bool = False
    notes: tuple[str, ...] = field(default=(), repr=False)
    seconds: float | None = field(default=None, repr=False)
    word_effects: Maps | None = field(default=None, repr=False)
    integrated_gradients: Maps | None = field(default=None, repr=False)
    shapley: Maps | None = field(default=None, repr=False)
    empty_score: float | None = None
    unrelated_scores: Maps | None = field(default=None, repr=False)
    foreign: bool = False
    things: Bits | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Freeze the arrays and check that they are finite and fit each other."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                dtype = np.uint8 if f.name == "things" else np.float32
                array = _read_only(np.array(value, dtype=dtype))
                if not np.isfinite(array).all():
                    raise ValueError(
                        f"{f.name} has NaN or infinity, which no page and no file can hold"
                    )
                object.__setattr__(self, f.name, array)
        if not math.isfinite(self.score):
            raise ValueError(f"the score is {self.score}, which no page and no file can hold")
        self._check_shapes()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled or copied explanation, and make its arrays read-only again."""
        for name, value in state.items():
            restored = _read_only(value) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, name, restored)

    def _check_shapes(self) -> None:
        grid, tokens, words = self.signed_map.shape, len(self.tokens), len(self.words)
        if len(grid) != 2:
            raise ValueError(f"signed_map must be (rows, cols), not {grid}")
        shapes = {
            "interactions": (tokens, *grid),
            "token_importance": (tokens,),
            "alone": (words, *grid),
            "left_out": (words, *grid),
            "word_effects": (words,),
            "integrated_gradients": (tokens,),
            "shapley": (words,),
            "things": (patches := grid[0] * grid[1], -(-patches // 8)),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
        if self.shapley is not None and self.empty_score is None:
            raise ValueError("shapley needs empty_score, the score that its values start from")
        if any(not 0 <= k < tokens for w in self.words for k in w.tokens):
            raise ValueError(f"the words have token positions outside 0 to {tokens - 1}")

    @property
    def patch_grid(self) -> tuple[int, int]:
        """(rows, cols) of patches."""
        return self.signed_map.shape[0], self.signed_map.shape[1]

    @property
    def warning(self) -> str | None:
        """The warning that the picture is foreign to the model, to show first; else ``None``."""
        return self.notes[0] if self.foreign and self.notes else None

    @property
    def image_map(self) -> Maps:
        """(rows, cols) the paper's map of the whole caption, raw: the ReLU of ``signed_map``."""
        return np.maximum(self.signed_map, 0)

    @property
    def logit(self) -> float:
        """The input of the model's softmax or sigmoid."""
        return self.logit_scale * self.score + (self.logit_bias or 0.0)

    @property
    def probability(self) -> float | None:
        """Sigmoid of the logit for models trained with a bias, else ``None``."""
        # tanh does not overflow; the exponential in a sigmoid would.
        return None if self.logit_bias is None else (1 + math.tanh(self.logit / 2)) / 2

    @property
    def no_image_evidence(self) -> bool:
        """Whether no patch has positive evidence for the caption."""
        return not bool((self.signed_map > 0).any())

    @property
    def no_text_evidence(self) -> bool:
        """Whether no token has positive evidence for the picture."""
        return not bool((self.token_importance > 0).any())

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings of words that were computed; the default of `word_map` is first."""
        present = {IN_CAPTION: True, ALONE: self.alone is not None}
        present[LEFT_OUT] = self.left_out is not None
        return tuple(name for name in READINGS if present[name])

    @property
    def evidence_reading(self) -> str:
        """The default reading of the evidence: "left out" if it was computed."""
        return LEFT_OUT if LEFT_OUT in self.readings else IN_CAPTION

    def raw_maps(self, reading: str = IN_CAPTION) -> Maps:
        """Return the raw maps of all words in one reading, (W, rows, cols): signed, in units of the method.

        The maps of Grad-ECLIP are in the paper's units. `word_evidence` has all words in units of the score.

        Raises:
            ValueError: there is no such reading, or it was not computed.
        """
        if reading not in self.readings:
            raise ValueError(
                f"no reading {reading!r}: this explanation has {', '.join(map(repr, self.readings))}"
            )
        if reading == ALONE:
            assert self.alone is not None
            return self.alone
        if reading == LEFT_OUT:
            assert self.left_out is not None
            return self.left_out
        return sum_tokens(self.interactions, [w.tokens for w in self.words])

    @property
    def importance_measures(self) -> tuple[str, ...]:
        """The measures of a word's importance that were computed, the default first; see `importance`."""
        present = {
            SHAPLEY: self.shapley is not None,
            EVIDENCE: True,
            LEAVE_ONE_OUT: self.word_effects is not None,
            GRAD_ECLIP: True,
            INTEGRATED_GRADIENTS: self.integrated_gradients is not None,
        }
        names = [name for name in MEASURES if present[name]]
        # With reference=True, the measure of the authors' code is the default.
        return tuple(sorted(names, key=lambda n: n != GRAD_ECLIP) if self.reference else names)

    def importance(self, measure: str | None = None) -> Maps:
        """Return how much each word contributes to the score, (W,), negative where it lowers the score.

        Values are in units of the score, a cosine similarity. A word that the model did not read (see
        ``unread``) adds nothing; tables, such as `Explanation.to_frame`, have NaN there.

        Args:
            measure: ``"shapley"``, the Shapley values of the words, which with ``empty_score`` add up to the
                score; ``"evidence"``, the score divided among the words in proportion to the positive sums of
                their maps in ``evidence_reading``; ``"leave-one-out"``, the score minus the score without the
                word; ``"grad-eclip"``, the sum of its ``token_importance`` times the score, zero where the
                score is negative; or ``"integrated-gradients"``, the sum of its tokens' attributions. The
                first of ``importance_measures`` when ``None``.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        name = self._measure(measure)
        if name == SHAPLEY:
            assert self.shapley is not None
            return self.shapley
        if name == EVIDENCE:
            return picture_shares(self.raw_maps(self.evidence_reading), self.score, self.known)
        if name == LEAVE_ONE_OUT:
            assert self.word_effects is not None
            return self.word_effects
        tokens = [w.tokens for w in self.words]
        if name == GRAD_ECLIP:
            shares = sum_tokens(self.token_importance, tokens)
            in_score: Maps = shares * np.float32(max(self.score, 0.0))
            return in_score
        assert self.integrated_gradients is not None
        return sum_tokens(self.integrated_gradients, tokens)

    def base(self, measure: str | None = None) -> float | None:
        """Return the base from which the words' importance adds up to the score, or ``None``.

        The base plus the importance of all words is the score, except for the effect of words that the model
        was never trained on. It is ``None`` if the values of the measure do not add up.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        name = self._measure(measure)
        if name == SHAPLEY:
            return self.empty_score
        parts = float(self.importance(name).sum(dtype=np.float64))
        shares = name in (EVIDENCE, GRAD_ECLIP) and math.isclose(parts, self.score, abs_tol=1e-6)
        return 0.0 if shares else None

    def _measure(self, measure: str | None) -> str:
        """Return the name of a measure that was computed; ``None`` is the default one."""
        names = self.importance_measures
        if measure is None:
            return names[0]
        if measure not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(f"no measure of importance {measure!r}: this explanation has {known}")
        return measure

    @property
    def known(self) -> list[bool]:
        """For each word, whether the model was trained on it."""
        return [word.known for word in self.words]

    @property
    def unread(self) -> list[bool]:
        """For each word, whether the model read nothing of it, as beyond the context length."""
        return [not word.tokens for word in self.words]

    @property
    def word_importance(self) -> Maps:
        """(W,) importance of each word by the default measure, in units of the score."""
        return self.importance()

    # Maps of words, in units of the score

    def word_map(
        self, word: str | int, reading: str = IN_CAPTION, *, both_signs: bool = False
    ) -> Maps:
        """Return from where in the picture the importance of one word comes, (rows, cols).

        It is the map that the widget shows of the word, in units of the score: values have the sign of the
        word's importance (negative if it lowers the score), and their sum is the importance. They are zero
        for a word without a value of that sign, and for a word that the model was never trained on.

        Args:
            word: the word (case is ignored), or its index, which is needed if it occurs twice.
            reading: ``"in caption"``, ``"alone"`` or ``"left out"``.
            both_signs: also return the values of the opposite sign, on the same scale, as the widget shows
                them with "both". The values then no longer sum to the importance.

        Raises:
            ValueError: the caption lacks the word, or has it several times; or there is no such reading.
            IndexError: the index is out of range.
        """
        return self._map_of([self.word_index(word)], reading, both_signs)

    def phrase_map(
        self,
        phrase: str | int | Sequence[str | int],
        reading: str = IN_CAPTION,
        *,
        both_signs: bool = False,
    ) -> Maps:
        """Return from where in the picture the importance of several words comes, (rows, cols).

        It is in units of the score, and its values sum to the summed importance of the words, as in
        `word_map`. The words' raw maps are added before they are scaled, so that it is not the sum of the
        words' maps.

        Args:
            phrase: consecutive words of the caption (``"red car"``), a list of any of its words or indices,
                or one index.
            reading: as in `word_map`.
            both_signs: as in `word_map`.

        Raises:
            ValueError: the phrase is not in the caption.
        """
        return self._map_of(self.phrase_words(phrase), reading, both_signs)

    def caption_map(self, *, both_signs: bool = False) -> Maps:
        """Return the map of the whole caption, (rows, cols), scaled so that its values sum to the score.

        It is the widget's map of the whole sentence. Values have the sign of the score; the paper's own
        values are in ``image_map``.

        Args:
            both_signs: as in `word_map`.
        """
        return self._scaled(self.score, self.signed_map, both_signs)

    def _map_of(self, words: Sequence[int], reading: str, both_signs: bool) -> Maps:
        """Return the map of some words in units of the score; unknown words take no part in it."""
        maps = self.raw_maps(reading)  # raises if there is no such reading
        known = [w for w in words if self.words[w].known]
        importance = float(self.importance()[known].sum(dtype=np.float64))
        return self._scaled(importance, maps[known].sum(0, dtype=np.float32), both_signs)

    @staticmethod
    def _scaled(importance: float, values: Maps, both_signs: bool) -> Maps:
        scale = evidence.scale if both_signs else evidence.spread
        scaled: Maps = scale(np.array([importance]), values[None])[0].astype(np.float32)
        return scaled

    def raw_map(
        self, phrase: str | int | Sequence[str | int] | None = None, reading: str = IN_CAPTION
    ) -> Maps:
        """Return the raw map of a word, a phrase, or (``None``) the whole caption, (rows, cols).

        It is signed and in units of the method, which cannot be compared with the score. The map of a phrase
        is the sum of its words' maps.

        Args:
            phrase: as in `phrase_map`, or ``None``.
            reading: as in `word_map`.

        Raises:
            ValueError: the caption lacks the word or phrase, or there is no such reading.
        """
        if phrase is None:
            return self.signed_map
        words = self.phrase_words(phrase)
        total: Maps = self.raw_maps(reading)[words].sum(0, dtype=np.float32)
        return total

    def phrase_words(self, phrase: str | int | Sequence[str | int]) -> list[int]:
        """Return the indices of a phrase's words; see `phrase_map`."""
        if isinstance(phrase, str):
            return find_phrase(self.words, phrase)
        several = [phrase] if isinstance(phrase, int | np.integer) else phrase
        return [self.word_index(word) for word in several]

    def word_index(self, word: str | int) -> int:
        """Return the index of a word of the caption; see `word_map`."""
        return find_word(self.words, word)

    # Evidence of all words, in units of the score

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

    @property
    def evidence_map(self) -> Maps:
        """(rows, cols) sum of the positive evidence of all words, in units of the score."""
        return evidence.positive_sum(self._evidence()).astype(np.float32)

    def highlights(self, measure: str | None = None) -> tuple[Highlight, ...]:
        """Return the words with at least 15 % of the largest importance, in caption order.

        Words that lower the score, and words that the model was never trained on, are left out. An attribute
        and its noun ("red circle"), and neighbors with evidence in the same place, are one highlight. A word
        has the same hue by every measure.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        maps = self._evidence(None, measure)
        return evidence.find_highlights(
            self.importance(measure), maps, self.words, self.word_hues()
        )

    def word_hues(self) -> tuple[int | None, ...]:
        """Return the index of each word's color, 0 to 5, or ``None``; see `core.evidence.word_hues`."""
        return evidence.word_hues(self.importance(), self.words)

    @property
    def model_label(self) -> str:
        """The name of the model as it is displayed; of the embedded one, what it is and is limited to."""
        return "embedded model (drawings only)" if self.model == "demo" else self.model

    def lowering_words(self, measure: str | None = None) -> tuple[int, ...]:
        """Return the indices of the words that lower the score, in caption order.

        Words whose absolute importance is less than 10 % of the largest, small words ("a"), and words that
        the model was never trained on are left out.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        return evidence.lowering(self.importance(measure), self.words)

    def _evidence(self, reading: str | None = None, measure: str | None = None) -> evidence.Values:
        maps = self.raw_maps(self.evidence_reading if reading is None else reading)
        return evidence.spread(self.importance(measure), maps)

    # Regions of the picture

    def region_words(
        self, region: Region, reading: str | None = None, measure: str | None = None
    ) -> list[RegionWord]:
        """Return the words, sorted by how much of their importance comes from a region of the picture.

        Values are NaN if the model did not see the region (``fit="crop"`` cuts the picture), and those of a
        word that the model did not read, which is last. If the model saw only a part of the region, they are
        those of that part.

        Args:
            region: a box (x0, y0, x1, y1), a polygon [(x, y), ...] of three points or more, or a boolean
                mask (height, width), in image pixels; or a widget's ``region``.
            reading: as in `word_map`; ``evidence_reading`` when ``None``.
            measure: as in `importance`.

        Raises:
            ValueError: the region is malformed, lies outside the picture, or is in fractions of the picture;
                no such reading or measure.

        Warns:
            RegionWarning: the model did not see the region, or only a part of it.
        """
        covered = self._seen_coverage(region).astype(np.float64)
        reading = self.evidence_reading if reading is None else reading
        maps = self.raw_maps(reading)
        values = self._or_unread((self._evidence(reading, measure) * covered).sum((1, 2)))
        shares = self._or_unread(np.array([evidence.share_in(one, covered) for one in maps]))
        order = np.argsort(-values, kind="stable").tolist()  # NaN is last
        return [
            RegionWord(w, self.words[w].text, float(values[w]), float(shares[w])) for w in order
        ]

    def region_share(
        self, region: Region, phrase: str | int | Sequence[str | int], reading: str = IN_CAPTION
    ) -> float:
        """Return the fraction of a phrase's positive evidence that lies in a region; 0 if it has none.

        It is NaN if the model did not see the region, or read no word of the phrase.

        Args:
            region: as in `region_words`.
            phrase: as in `phrase_map`, or one word's index.
            reading: as in `word_map`.

        Raises:
            ValueError: no such region or phrase.

        Warns:
            RegionWarning: the model did not see the region, or only a part of it.
        """
        words = self.phrase_words(phrase)
        share = evidence.share_in(self.raw_map(words, reading), self._seen_coverage(region))
        return math.nan if all(self.unread[w] for w in words) else share

    def thing_at(self, x: float, y: float) -> dict[str, Any]:
        """Return the thing at a point of the picture: the region that a click there selects.

        It consists of the connected patches that the model itself holds together around the point. Patches
        where another word of the caption is found than at the point do not belong to it. At a point of the
        ground it is the connected part of the ground.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> e = gw.Explainer(gw.load("demo"))(scene.image, "a dog and a red circle")
        >>> x0, y0, x1, y1 = scene.objects[0].box
        >>> e.region_words(e.thing_at((x0 + x1) / 2, (y0 + y1) / 2))[0].text
        'dog'

        Args:
            x: of the point, in image pixels.
            y: the same.

        Returns:
            A region for `region_words`, ``erase`` and a widget's ``region``, of whole patches.

        Raises:
            ValueError: the model does not see the point, or the explanation has no things.
        """
        if self.things is None:
            raise ValueError(
                "this explanation was saved without the things of its picture; explain the picture again"
            )
        (rows, cols), (x0, y0, x1, y1) = self.patch_grid, self.cover
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            raise ValueError(
                f"the model does not see the point ({x:g}, {y:g}); it sees the box "
                f"({x0:g}, {y0:g}, {x1:g}, {y1:g})"
            )
        row = min(int((y - y0) / (y1 - y0) * rows), rows - 1)
        col = min(int((x - x0) / (x1 - x0) * cols), cols - 1)
        places = evidence.find_places(self._evidence(), self.highlights())
        around = things.thing_around(self.things, row * cols + col, places)
        return things.thing_region(around, self.cover)

    def coverage(self, region: Region) -> Maps:
        """Return the fraction of each patch that a region covers, (rows, cols); zeros outside ``cover``."""
        return regions.coverage(region, self.image.size, self.patch_grid, self.cover)

    def _seen_coverage(self, region: Region) -> Maps:
        return regions.seen_coverage(region, self.image.size, self.patch_grid, self.cover)

    def _or_unread(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return values (W,) of words with NaN for those that the model did not read."""
        return np.where(self.unread, np.nan, values)


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """Maps of a picture and a caption in single blocks of both towers, shallowest first.

    The maps of the blocks that an `Explanation` explains sum to the maps of the explanation.

    Attributes:
        caption: the caption as given.
        image_maps: (Li, 1 + W, rows, cols) signed maps of the whole caption and of its words in each block of
            the image tower; the text side is that of the explanation.
        text_maps: (Lt, W, rows, cols) signed maps of the words from each block of the text tower alone; the
            image side is that of the explanation.
        text_importance: (Lt, W) importance of the words if only that text block is explained: the sum of
            their tokens' shares of the caption's positive evidence.
    """

    caption: str
    image_maps: Maps = field(repr=False)
    text_maps: Maps = field(repr=False)
    text_importance: Maps = field(repr=False)


def _read_only(array: Maps) -> Maps:
    array.flags.writeable = False
    return array
