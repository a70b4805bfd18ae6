"""Measures that compare maps and regions with the masks of named things.

Things that the model did not see, since preprocessing cut the picture, are left out; of things that it saw in
part, only that part counts.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...core.explanation_data import IN_CAPTION, Maps
from ..cases import Case, Row
from ..examples import MaskedPhrase
from ..measure import Measure
from ..pointing import Mask, energy_in_mask, iou, pointing_hit, seen_pixels, segmentation

TOLERANCE = 15 / 500  # part of the longer side: the paper allows 15 pixels in pictures of about 500


@dataclass(frozen=True)
class PointingGame(Measure):
    """Whether the highest point of a word's map lies on the thing that the word names.

    Args:
        tolerance: distance from the thing that still counts as a hit, as a part of the picture's longer side.
        reading: which map of the word: ``"in caption"``, ``"alone"`` or ``"left out"``.

    Reference:
        Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018, section 4.1.
    """

    tolerance: float = TOLERANCE
    reading: str = IN_CAPTION

    name = "pointing game"
    unit = "part of the words whose map is highest on the named thing"
    better = "higher"
    needs_masks = True

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield 1 or 0 for every phrase that has a mask."""
        for phrase, values in _maps(case, self.reading):
            yield Row(float(hits(case, phrase, values, self.tolerance)), phrase.text)


@dataclass(frozen=True)
class EnergyPointing(Measure):
    """Share of the positive values of a word's map that lies on the thing that the word names.

    Args:
        reading: as in `PointingGame`.

    Reference:
        Wang et al., "Score-CAM", CVPR workshops 2020, section 4.3 ("energy-based pointing game").
    """

    reading: str = IN_CAPTION

    name = "energy in the mask"
    unit = "part of a word's map that lies on the named thing"
    better = "higher"
    needs_masks = True

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the share for every phrase that has a mask."""
        for phrase, values in _maps(case, self.reading):
            yield Row(energy_in_mask(values, phrase.mask, case.explanation.cover), phrase.text)


@dataclass(frozen=True)
class _Segmentation(Measure):
    """Base class of measures that compare the high pixels of a word's map with a mask.

    `MaskIoU` describes the options.

    Raises:
        ValueError: the threshold is not above 0 and at most 1.
    """

    threshold: float = 0.5
    reading: str = IN_CAPTION

    better = "higher"
    needs_masks = True

    def __post_init__(self) -> None:
        """Check the threshold."""
        _check_threshold(self.threshold)

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the value for every phrase that has a mask."""
        for phrase, high in _segmentations(case, self.reading, self.threshold):
            yield Row(self.compare(high, phrase.mask), phrase.text)

    @abstractmethod
    def compare(self, high: Mask, mask: Mask) -> float:
        """Return the value for the high pixels (height, width) and the mask (height, width) of the thing."""


@dataclass(frozen=True)
class MaskIoU(_Segmentation):
    """Intersection over union of a thing's mask and the high pixels of its word's map.

    Args:
        threshold: smallest value of a high pixel, as a part of the map's maximum, above 0 and at most 1.
        reading: as in `PointingGame`.
    """

    name = "mask IoU"
    unit = "intersection over union with the named thing"

    def compare(self, high: Mask, mask: Mask) -> float:
        """Return the intersection over union."""
        return iou(high, mask)


@dataclass(frozen=True)
class PixelAccuracy(_Segmentation):
    """Part of the pixels that are high in a word's map and on the named thing, or neither.

    Since most pixels lie on no object, an empty map has a good value here; compare with `MaskIoU`, which has
    the same options.
    """

    name = "pixel accuracy"
    unit = "part of the pixels classified correctly"

    def compare(self, high: Mask, mask: Mask) -> float:
        """Return the part of the pixels."""
        return float((high == mask).mean())


@dataclass(frozen=True)
class RegionToWord(Measure):
    """Whether the first word of a region is the one that names the thing there.

    All words of the caption compete. Captions with a mask for only one phrase are not measured.

    Args:
        region: the ``"mask"`` of the thing, or the ``"box"`` around it, as a user would drag it.
        reading: as in `Explanation.region_words`, which returns the words of a region.

    Raises:
        ValueError: ``region`` is neither.
    """

    region: Literal["mask", "box"] = "mask"
    reading: str | None = None

    name = "region to word"
    unit = "part of the regions whose first word names the thing there"
    better = "higher"
    needs_masks = True
    requirement = "masks of two phrases of the caption or more"

    def __post_init__(self) -> None:
        """Check the kind of region."""
        if self.region not in ("mask", "box"):
            raise ValueError(f"region={self.region!r}: use 'mask' or 'box'")

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield 1 or 0 for every phrase, if two or more have masks."""
        phrases = list(case.seen_phrases())
        if len(phrases) > 1:
            for phrase in phrases:
                region = phrase.mask if self.region == "mask" else box_around(phrase.mask)
                first = case.explanation.region_words(region, self.reading)[0]
                yield Row(float(first.index in phrase.words), phrase.text)


@dataclass(frozen=True)
class BestReading(Measure):
    """The pointing game with each reading of a word, to find the best reading for a model.

    Args:
        tolerance: as in `PointingGame`.
    """

    tolerance: float = TOLERANCE

    name = "pointing by reading"
    unit = PointingGame.unit
    better = "higher"
    grouped_by = "reading"
    needs_masks = True

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield 1 or 0 for every phrase that has a mask and every reading that was computed."""
        for reading in case.explanation.readings:
            for phrase, values in _maps(case, reading):
                hit = hits(case, phrase, values, self.tolerance)
                yield Row(float(hit), phrase.text, reading)


def hits(case: Case, phrase: MaskedPhrase, values: Maps, tolerance: float) -> bool:
    """Return whether a map (rows, cols) is highest on the thing that a phrase names, or near it."""
    pixels = round(tolerance * max(phrase.mask.shape))
    return pointing_hit(values, phrase.mask, pixels, case.explanation.cover)


def box_around(mask: Mask) -> tuple[int, int, int, int]:
    """Return the box x0, y0, x1, y1 around a mask that is not empty.

    >>> import numpy as np
    >>> box_around(np.array([[False, True, True], [False, True, False]]))
    (1, 0, 3, 2)
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _maps(case: Case, reading: str) -> Iterator[tuple[MaskedPhrase, Maps]]:
    """Yield every phrase of a thing that the model saw, with its raw map (rows, cols)."""
    for phrase in case.seen_phrases():
        yield phrase, case.explanation.raw_map(phrase.words, reading)


def _segmentations(
    case: Case, reading: str, threshold: float
) -> Iterator[tuple[MaskedPhrase, Mask]]:
    """Yield every phrase of a thing that the model saw, with the high pixels of its map.

    Masks (height, width) are those of the part of the picture that the model saw.
    """
    cover = case.explanation.cover
    for phrase, values in _maps(case, reading):
        height, width = phrase.mask.shape
        seen = seen_pixels((height, width), cover)
        part = np.ix_(seen.any(1), seen.any(0))
        high = segmentation(values, (height, width), threshold, cover)
        yield phrase._replace(mask=phrase.mask[part]), high[part]


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold}: give a part of the maximum, above 0, at most 1")
