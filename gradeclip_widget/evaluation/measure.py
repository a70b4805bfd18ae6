"""The base class of measures, and measuring over examples."""

from __future__ import annotations

import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Literal

from ..core.progress import Progress
from ..core.regions import describe_cut
from .bootstrap import Values
from .cases import (
    Case,
    Explain,
    Explainers,
    Row,
    checked_explainers,
    explained,
    read_examples,
)
from .examples import Example, Examples, FailedExample
from .figure import FIGURE
from .result import Evaluation, not_seen, summarize


class LeftOutWarning(UserWarning):
    """Warning of examples or things that are left out: not readable, not explained, or not seen."""


class Measure(ABC):
    """Base class of measures. A measure is a dataclass; its fields are its options.

    Attributes:
        name: its name.
        unit: the unit of its values, or what they are a part of.
        better: whether higher or lower values are better, or neither.
        grouped_by: name of the column that groups its values, if there are groups.
        needs_masks: whether examples need masks.
        of_importance: whether it measures every importance of words that an explanation has.
        requirement: what an example must have to be measured.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"] | None] = None
    grouped_by: ClassVar[str | None] = None
    needs_masks: ClassVar[bool] = False
    of_importance: ClassVar[bool] = False
    requirement: ClassVar[str] = "words that the model reads"

    @property
    def label(self) -> str:
        """Its name, and its options that are not the default ones."""
        changed = [
            f"{f.name}={value!r}"
            for f in fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
            if f.repr and (value := getattr(self, f.name)) != f.default
        ]
        return ", ".join([self.name, *changed])

    @property
    def axis(self) -> tuple[str, Values] | None:
        """Label and values (K,) of the curves' x axis; ``None`` for a measure without curves."""
        return None

    @abstractmethod
    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the values of one explained example; none if it lacks the `requirement`."""

    def prepare(self, explainers: Mapping[str, Explain], seed: int) -> Measure:
        """Return the measure prepared for these explainers; most measures need no preparation."""
        return self

    def flags(self, mean: float) -> dict[str, Any]:
        """Return further columns of the table for a method with this mean."""
        return {}

    def __call__(
        self,
        explainers: Explainers,
        examples: Examples,
        *,
        seed: int = 0,
        confidence: float = 0.95,
        progress: bool | Progress = True,
    ) -> Evaluation:
        """Evaluate this measure only; see `evaluate`."""
        (evaluation,) = evaluate(
            explainers, examples, [self], seed=seed, confidence=confidence, progress=progress
        ).values()
        return evaluation


def evaluate(
    explainers: Explainers,
    examples: Examples,
    measures: Sequence[Measure],
    *,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool | Progress = True,
) -> dict[str, Evaluation]:
    """Measure one or several methods. Every method explains every example once.

    >>> import gradeclip_widget as gw
    >>> from gradeclip_widget.evaluation import Deletion, PointingGame, demo_examples
    >>> clip = gw.load("demo")
    >>> methods = {name: gw.Explainer(clip, name) for name in ("grad-eclip", "grad-cam")}
    >>> measures = [PointingGame(), Deletion()]
    >>> results = evaluate(methods, demo_examples(3), measures, progress=False)
    >>> list(results)
    ['pointing game', 'deletion']
    >>> results["pointing game"].table.columns.tolist()
    ['method', 'mean', 'low', 'high', 'n', 'examples']

    Args:
        explainers: an `Explainer`, or explainers by the name of their method. Any function of a picture and a
            caption that returns an `Explanation` is an explainer; measures that alter pictures or captions
            need one `Explainer` to score them.
        examples: iterated once, so they may come from a generator. Examples whose picture or masks cannot be
            read, or that a method cannot explain, are left out for all methods, with a warning;
            `Evaluation.left_out` has the reasons. Things with a mask that a model did not see, since its
            preprocessing cut the picture, are left out for its methods: `Evaluation.unseen` lists them.
        measures: the measures.
        seed: seed of everything random: noise in pictures, shuffled weights, resamples.
        confidence: confidence of the bootstrap intervals, between 0 and 1.
        progress: whether to show a progress bar; or a callback, called at the stage "examples".

    Returns:
        The results by the measures' labels. A measure whose requirement no example meets is left out, with a
        warning.

    Raises:
        TypeError: an explainer cannot be called, or an example is not an `Example`.
        ValueError: no explainers, examples or measures; an example does not fit a measure; no example can be
            explained; or no example meets the requirement of any measure.
    """
    named = checked_explainers(explainers)
    check_confidence(confidence)
    if not measures:
        raise ValueError(
            "there are no measures; give at least one, as in [Deletion(), PointingGame()]"
        )
    prepared = {measure.label: measure.prepare(named, seed) for measure in measures}
    if len(prepared) < len(measures):
        raise ValueError(f"the same measure twice: {', '.join(m.label for m in measures)}")
    values: dict[str, list[tuple[str, str, Row]]] = {label: [] for label in prepared}
    left_out: list[FailedExample] = []
    unseen: dict[FailedExample, None] = {}  # a set in order
    count = 0
    for name, example, image in read_examples(examples, progress, left_out):
        try:
            cases = list(explained(named, example, image, (seed, zlib.crc32(name.encode()))))
        except ValueError as error:  # such as a panorama of too many patches
            left_out.append(FailedExample(name, str(error)))
            continue
        count += 1
        try:
            for method, case in cases:
                unseen |= dict.fromkeys(_unseen(name, case))
                for label, measure in prepared.items():
                    _check_masks(measure, example)
                    values[label] += [(name, method, row) for row in measure.rows(case)]
        except ValueError as error:
            raise ValueError(f"example {name!r} ({example.caption!r:.80}): {error}") from error
    _check_left_out(count, left_out)
    in_masks = tuple(unseen) if any(m.needs_masks for m in prepared.values()) else ()
    if in_masks:
        warnings.warn(not_seen(in_masks), LeftOutWarning, stacklevel=2)
    empty = [label for label, rows in values.items() if not rows]
    sentences = [f"{label}: no example has {prepared[label].requirement}" for label in empty]
    if len(empty) == len(prepared):
        raise ValueError("; ".join(sentences))
    for sentence in sentences:
        warnings.warn(f"left out {sentence}", stacklevel=2)
    return {
        label: _evaluation(
            measure,
            values[label],
            seed,
            confidence,
            tuple(left_out),
            in_masks if measure.needs_masks else (),
        )
        for label, measure in prepared.items()
        if values[label]
    }


def check_confidence(confidence: float) -> None:
    """Raise ``ValueError`` unless a confidence lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence}: give a number between 0 and 1, as 0.95")


def _check_left_out(count: int, left_out: Sequence[FailedExample]) -> None:
    """Warn of examples that are left out.

    Args:
        count: number of the other examples.
        left_out: the examples that are left out.

    Raises:
        ValueError: no other examples remain.
    """
    if count and left_out:
        part = f"{len(left_out)} of {count + len(left_out)} examples"
        warnings.warn(f"left out {part}, such as {left_out[0]}", LeftOutWarning, stacklevel=3)
    elif left_out:
        raise ValueError(f"no example can be explained; {left_out[0]}")
    elif not count:
        raise ValueError("there are no examples; give at least one (demo_examples() draws some)")


def _evaluation(
    measure: Measure,
    values: list[tuple[str, str, Row]],
    seed: int,
    confidence: float,
    left_out: tuple[FailedExample, ...],
    unseen: tuple[FailedExample, ...],
) -> Evaluation:
    columns: dict[str, list[Any]] = {
        "example": [example for example, _, _ in values],
        "method": [method for _, method, _ in values],
    }
    rows = [row for _, _, row in values]
    if any(row.word for row in rows):
        columns["word"] = [row.word for row in rows]
    if measure.grouped_by is not None:
        columns[measure.grouped_by] = [row.group for row in rows]
    if any(row.figure for row in rows):
        columns[FIGURE] = [row.figure for row in rows]
    columns["value"] = [float(row.value) for row in rows]
    curves = [row.curve for row in rows if row.curve is not None]
    return summarize(
        columns,
        curves,
        measure.axis,
        label=measure.label,
        unit=measure.unit,
        better=measure.better,
        grouped_by=measure.grouped_by,
        flags=measure.flags,
        seed=seed,
        confidence=confidence,
        left_out=left_out,
        unseen=unseen,
    )


def _unseen(name: str, case: Case) -> Iterator[FailedExample]:
    """Yield the things of an example that the model did not see, with the reason."""
    e = case.explanation
    cut = describe_cut(e.image.size, e.cover)
    for phrase in case.unseen():
        yield FailedExample(name, f"the model did not see {phrase!r}: {cut}")


def _check_masks(measure: Measure, example: Example) -> None:
    if measure.needs_masks and not example.masks:
        raise ValueError(
            f"{measure.label} needs masks of the things: give Example(..., masks={{'dog': mask}})"
        )
