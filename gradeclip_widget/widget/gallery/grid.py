"""The grid of thumbnails: the traits that Python shares with its front end."""

from __future__ import annotations

from typing import Any

import traitlets as t

from ...dataset.runs.table import DISAGREEMENT, MEASURES, POSITION, ROLES
from ..front_end import FrontEnd

SORTS = (POSITION, *MEASURES, DISAGREEMENT)
SHARED = (
    "sort",
    "descending",
    "text",
    "word",
    "word_role",
    "score_range",
    "heat",
    "side",
    "selected",
    "theme",
)


class ScoreRange(t.TraitType[Any, Any]):
    """(lowest, highest) score, or ``None``."""

    def validate(self, obj: Any, value: Any) -> tuple[float, float] | None:
        """Return the two numbers of a value.

        Raises:
            TraitError: the value is neither two numbers in order nor ``None``.
        """
        if value is None:
            return None
        try:
            low, high = (float(score) for score in value)
        except (TypeError, ValueError):
            low, high = 1.0, 0.0
        if not low <= high:
            raise t.TraitError(
                f"score_range {value!r:.80} is not (lowest, highest) score: two numbers, or None for all"
            )
        return low, high


class GalleryTraits(t.HasTraits):
    """The state of a gallery. Every trait can be observed and set, in Python and in the browser."""

    sort = t.Enum(
        SORTS,
        POSITION,
        help="what is sorted by: 'position' in the source, a measure, or 'disagreement'",
    ).tag(sync=True)
    descending = t.Bool(False, help="whether the largest come first").tag(sync=True)
    text = t.Unicode("", help="part of the caption; empty for all pairs").tag(sync=True)
    word = t.Unicode("", help="words that the caption has; empty for all pairs").tag(sync=True)
    word_role = t.Enum(
        ROLES,
        "any",
        help="what the word does: 'any'; 'counts', 15 % of the largest importance in its caption or "
        "more; 'ignored', a twentieth or less",
    ).tag(sync=True)
    score_range = ScoreRange(
        None, allow_none=True, help="(lowest, highest) score, or None for all pairs"
    ).tag(sync=True, ts="[number, number]")
    heat = t.Bool(True, help="whether maps are painted on the thumbnails").tag(sync=True)
    side = t.Enum(
        ("both", "this", "other"), "both", help="whose maps, where two runs are compared"
    ).tag(sync=True)
    selected = t.Unicode(
        None, allow_none=True, help="id of the pair whose full explanation is open, or None"
    ).tag(sync=True)
    theme = t.Enum(("auto", "light", "dark"), "auto", help="light or dark, or as the page is").tag(
        sync=True
    )


class GalleryGrid(GalleryTraits, FrontEnd):
    """The thumbnails of a gallery. `Gallery` creates it and answers its messages."""

    _files = "gallery"

    about: Any = t.Dict(
        default_value={"label": "", "other": None, "total": 0, "sorts": [], "importances": False},
        help="of the run: label, other's label, total, sorts, importances",
    ).tag(sync=True, ts="About")
    order = t.Dict(
        default_value={"generation": 0, "count": 0},
        help="generation, which changes with the order, and count of the rows",
    ).tag(sync=True, ts="Order")
    histogram: Any = t.Dict(
        default_value={"low": None, "high": None, "counts": []},
        help="of the scores: low, high, counts",
    ).tag(sync=True, ts="Histogram")
    account: Any = t.Dict(
        default_value={"failed": 0, "left_out": 0, "lines": []},
        help="what became of the source's pictures and captions: failed and left_out, two numbers, and "
        "lines, sentences",
    ).tag(sync=True, ts="Account")
    opened: Any = t.Instance(
        dict, allow_none=True, help="the pair that is open: id, index, status, sentence"
    ).tag(sync=True, ts="Opened")
    progress: Any = t.Instance(dict, allow_none=True, help="of the comparison: done, total").tag(
        sync=True, ts="Comparing"
    )
    error = t.Unicode(help="the sentence shown where something failed").tag(sync=True)
