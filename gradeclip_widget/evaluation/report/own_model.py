"""What measures of one method say of a model, in sentences: which settings to choose on it."""

from __future__ import annotations

from collections.abc import Mapping

from ..measure import Measure
from ..measures.localization import BestReading
from ..measures.model import ExplainedShare, SilentWords, WordSeparation
from ..result import Evaluation

ALIKE = 0.8  # rank correlation from which maps of different words are said to look alike
TIE = 0.005  # part of the hits by which readings may differ and still count as alike
SMALL = 0.3  # share of the evidence below which more blocks are advised


def model_measures(has_masks: bool) -> list[Measure]:
    """Return the measures that tell which settings to choose on a model."""
    measures: list[Measure] = [WordSeparation(), SilentWords(), ExplainedShare()]
    return [*measures, BestReading()] if has_masks else measures


def advice(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """Return sentences on a model from `model_measures` of one method."""
    sentences = []
    if (reading := evaluations.get(BestReading().label)) is not None:
        sentences.append(_on_readings(_means(reading)))
    separation = _means(evaluations[WordSeparation().label])
    content = separation.get("content words")
    if content is not None:
        alike = "look alike: try *alone*" if content >= ALIKE else "tell words apart"
        function = separation.get("content and function words")
        beside = "" if function is None else f", and {function:.2f} with those of function words"
        sentences.append(
            f"Maps in the caption {alike}: their mean rank correlation among a caption's content words is "
            f"{content:.2f}{beside}."
        )
    silent = evaluations[SilentWords().label].table.iloc[0]["mean"]
    sentences.append(
        f"Of the words that cost score when they are left out, {silent:.0%} have no importance."
    )
    for tower, share in _means(evaluations[ExplainedShare().label]).items():
        more = f"; try {tower}_layers=2 or more" if share < SMALL else ""
        sentences.append(f"The explained {tower} blocks carry {share:.0%} of the evidence{more}.")
    return sentences


def _on_readings(hits: Mapping[str, float]) -> str:
    """Return a sentence on which reading points best, from the hits of each."""
    listed = ", ".join(f"{reading} {value:.2f}" for reading, value in hits.items())
    best = max(hits, key=lambda reading: hits[reading])
    ties = [f"*{reading}*" for reading in hits if hits[best] - hits[reading] < TIE]
    points = "points" if len(ties) == 1 else "point"
    return (
        f"Of the readings of a word, {' and '.join(ties)} {points} best on this model ({listed})."
    )


def _means(evaluation: Evaluation) -> dict[str, float]:
    """Return the means by group."""
    groups = evaluation.table[evaluation.grouped_by]
    return dict(zip(groups, evaluation.table["mean"].astype(float), strict=True))
