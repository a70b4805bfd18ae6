"""Reports: tables, curves, the best and worst examples, and advice on the model."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ...core.progress import Progress
from ...export.files import replacing
from ..cases import Explain
from ..examples import Example, Examples
from ..measure import LeftOutWarning, Measure, evaluate
from ..measures.localization import BestReading
from ..measures.model import ExplainedShare, SilentWords, WordSeparation
from ..result import Evaluation
from .contents import Extreme, Report
from .markdown import markdown
from .page import page

EXTREMES = 2  # number of the best, and of the worst, examples of each method
ALIKE = 0.8  # rank correlation above which maps of different words look alike
TIE = 0.005  # largest difference of the hits of readings that are equally good
SMALL = 0.3  # share of the evidence below which more blocks are recommended


def save_report(report: Report, path: str | Path) -> None:
    """Write a report to ``.html`` or ``.md``.

    Raises:
        ValueError: the suffix is neither.
        OSError: it cannot be written.
    """
    write = report_writer(Path(path))
    with replacing(path) as temporary:
        temporary.write_text(write(report), encoding="utf-8")


def report_writer(path: Path) -> Callable[[Report], str]:
    """Return the function that writes a report as text, by the suffix of its file.

    Raises:
        ValueError: the suffix is neither ``.html`` nor ``.md``.
    """
    writers = {".html": page, ".md": markdown}
    if path.suffix not in writers:
        raise ValueError(f"{str(path)!r}: a report is written to {' or '.join(writers)}")
    return writers[path.suffix]


def make_report(
    explainers: Mapping[str, Explain],
    examples: Examples,
    measures: Sequence[Measure],
    *,
    model: str,
    data: str,
    command: str = "",
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool | Progress = True,
) -> Report:
    """Measure several methods, and the model with the first method, and return a report.

    Args:
        explainers: explainers by name of the method; the first is an `Explainer`.
        examples: a sequence, or another iterable that can be iterated several times.
        measures: the measures.
        model: name of the model.
        data: description of the examples.
        command: command that makes the same report again.
        seed: seed of everything random.
        confidence: confidence of the intervals.
        progress: as in `evaluate`.

    Raises:
        TypeError, ValueError: as `evaluate`.
    """
    measured = partial(evaluate, seed=seed, confidence=confidence, progress=progress)
    evaluations = measured(explainers, examples, measures)
    first = next(iter(explainers))
    has_masks = any(measure.needs_masks for measure in measures)
    with warnings.catch_warnings():  # the evaluation above already warned
        warnings.simplefilter("ignore", LeftOutWarning)
        of_model = measured({first: explainers[first]}, examples, model_measures(has_masks))
    ids = {name for one in evaluations.values() for name in one.examples["example"]}
    ranked_by = next((one.label for one in evaluations.values() if one.grouped_by is None), "")
    return Report(
        model=model,
        data=data,
        count=len(ids),
        left_out=next(iter(evaluations.values())).left_out,
        seed=seed,
        command=command,
        evaluations=evaluations,
        advice=advice(of_model),
        model_evaluations=of_model,
        ranked_by=ranked_by,
        extremes=_extremes(explainers, examples, evaluations[ranked_by]) if ranked_by else [],
        date=datetime.datetime.now(tz=datetime.UTC).date(),
    )


def _extremes(
    explainers: Mapping[str, Explain], examples: Examples, evaluation: Evaluation
) -> list[Extreme]:
    """Return the best and worst examples of every method, explained again."""
    chosen: list[tuple[str, str, bool]] = []
    for method in explainers:
        best, worst = evaluation.extremes(method, EXTREMES)
        chosen += [(method, name, True) for name in best]
        chosen += [(method, name, False) for name in worst if name not in best]
    names = {name for _, name, _ in chosen}
    by_name = {
        name: example
        for position, example in enumerate(examples)
        if isinstance(example, Example) and (name := example.id or str(position)) in names
    }
    values = evaluation.examples.groupby(["method", "example"])["value"].mean()
    return [
        Extreme(
            method,
            name,
            float(values[method, name]),
            best,
            explainers[method](by_name[name].image, by_name[name].caption),
        )
        for method, name, best in chosen
    ]


def model_measures(has_masks: bool) -> list[Measure]:
    """Return the measures by which settings are recommended for a model."""
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
        alike = "look alike: try *alone*" if content >= ALIKE else "differ between words"
        function = separation.get("content and function words")
        more = "" if function is None else f", and {function:.2f} with those of function words"
        sentences.append(
            f"Maps in the caption {alike}: their mean rank correlation among a caption's content words is "
            f"{content:.2f}{more}."
        )
    silent = evaluations[SilentWords().label].table.iloc[0]["mean"]
    sentences.append(
        f"Of the words without which the score is lower, {silent:.0%} have no importance."
    )
    for tower, share in _means(evaluations[ExplainedShare().label]).items():
        more = f"; try {tower}_layers=2 or more" if share < SMALL else ""
        sentences.append(f"The explained {tower} blocks contain {share:.0%} of the evidence{more}.")
    return sentences


def _on_readings(hits: Mapping[str, float]) -> str:
    """Return a sentence with the reading that points best, from the share of hits of each reading."""
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
