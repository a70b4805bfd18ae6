"""The result of a measure: values of examples, a table of methods, curves, and a figure."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .bootstrap import Samples, Values
from .examples import FailedExample
from .figure import FIGURE, curve_figure, interval_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of a measure.

    Attributes:
        label: the measure's name, with its options.
        unit: the unit of the values, or what they are a part of.
        better: whether ``"higher"`` or ``"lower"`` values are better, or neither (``None``).
        examples: a row per example and method, or per word of these: example, method, word, value.
        table: a row per method, the best first: mean, low and high (bootstrap interval over examples), n
            (number of values), examples (number of examples).
        curves: a row per method and step: mean, low, high; ``None`` if the measure has no curves.
        grouped_by: column of both tables whose groups are averaged separately, if there is one. If a measure
            has several quantities, both tables also have a column ``figure``.
        step: label of the steps of the curves.
        seed: seed of the resamples.
        confidence: confidence of the intervals.
        left_out: the examples that could not be read or explained.
        unseen: the things with a mask that the model did not see, which have no value.
    """

    label: str
    unit: str
    better: str | None
    examples: pd.DataFrame = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame | None = field(repr=False)
    grouped_by: str | None
    step: str
    seed: int
    confidence: float
    left_out: tuple[FailedExample, ...] = field(repr=False)
    unseen: tuple[FailedExample, ...] = field(default=(), repr=False)

    def differences(self, to: str) -> pd.DataFrame:
        """Return the difference of each other method's mean to one method's, with paired intervals.

        Both means are over the same resampled examples, so that examples that are easy or hard for all
        methods do not widen the interval. If the interval does not contain 0, the methods differ.

        Args:
            to: name of the method to compare the others with.

        Raises:
            ValueError: there is no such method.
        """
        if to not in set(self.examples["method"]):
            methods = ", ".join(map(repr, dict.fromkeys(self.table["method"])))
            raise ValueError(f"no method {to!r}: there are {methods}")
        names = self.averaged_by
        samples = _samples(self.examples, names)
        pairs = [
            (column, (to, *column[1:]))
            for column in samples.columns
            if column[0] != to and (to, *column[1:]) in samples.columns
        ]
        rows = [
            dict(zip(names, column, strict=True)) | difference.numbers
            for (column, _), difference in samples.differences(
                pairs, self.seed, self.confidence
            ).items()
        ]
        return pd.DataFrame(rows)

    def extremes(self, method: str, count: int = 3) -> tuple[list[str], list[str]]:
        """Return the ids of a method's best and worst examples, the most extreme first.

        Args:
            method: name of the method.
            count: number of each.
        """
        rows = self.examples[self.examples["method"] == method]
        means = rows.groupby("example", sort=False)["value"].mean()
        ranked = means.sort_values(ascending=self.better == "lower", kind="stable").index.tolist()
        return ranked[:count], ranked[::-1][:count]

    def figure(self) -> go.Figure:
        """Return a plotly figure: the curves with their intervals, or the means with theirs."""
        if self.curves is None:
            return interval_figure(self.title, self.table, self.grouped_by, self.unit)
        return curve_figure(self.title, self.table, self.curves, self.step, self.unit)

    @property
    def averaged_by(self) -> list[str]:
        """Columns whose values are averaged separately: the method, and groups and figures if any."""
        return _averaged_by(self.examples, self.grouped_by)

    @property
    def title(self) -> str:
        """The measure, its unit, and which values are better."""
        better = f", {self.better} is better" if self.better else ""
        return f"{self.label}: {self.unit}{better}"

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        about = f"intervals: {self.confidence:.0%}, bootstrap over examples, seed {self.seed}"
        if self.left_out:
            about += f"; {omissions(self.left_out)}"
        if self.unseen:
            about += f"; {not_seen(self.unseen)}"
        table = self.table.to_html(index=False, float_format="{:.3f}".format, border=0)
        return f"<p>{html.escape(self.title)}<br><small>{html.escape(about)}</small></p>{table}"


def omissions(left_out: Sequence[FailedExample]) -> str:
    """Return a text with the number of examples that are left out, and the first with its reason."""
    if len(left_out) == 1:
        return f"1 example left out: {left_out[0]}"
    return f"{len(left_out)} examples left out, such as {left_out[0]}"


def not_seen(unseen: Sequence[FailedExample]) -> str:
    """Return a text with the number of things that the model did not see, and the first with its reason."""
    things = "1 thing" if len(unseen) == 1 else f"{len(unseen)} things"
    such_as = "" if len(unseen) == 1 else "such as "
    return f"left out {things} with a mask, {such_as}{unseen[0]}"


def summarize(
    columns: Mapping[str, Sequence[Any]],
    curves: Sequence[Values],
    steps: tuple[str, Values] | None,
    *,
    label: str,
    unit: str,
    better: str | None,
    grouped_by: str | None,
    flags: Callable[[float], Mapping[str, Any]],
    seed: int,
    confidence: float,
    left_out: tuple[FailedExample, ...],
    unseen: tuple[FailedExample, ...],
) -> Evaluation:
    """Return the evaluation of measured values.

    Args:
        columns: columns of `Evaluation.examples`.
        curves: curve (K,) of each row; empty if there are none.
        steps: label and values (K,) of the curves' x axis.
        label: as in `Evaluation`.
        unit: as in `Evaluation`.
        better: as in `Evaluation`.
        grouped_by: as in `Evaluation`.
        flags: returns further columns of the table for a method's mean.
        seed: as in `Evaluation`.
        confidence: as in `Evaluation`.
        left_out: as in `Evaluation`.
        unseen: as in `Evaluation`.
    """
    examples = pd.DataFrame(columns)
    names = _averaged_by(examples, grouped_by)
    samples = _samples(examples, names)
    rows = []
    for column, estimate in samples.estimate(seed, confidence).items():
        count, over = samples.count(column)
        heading = dict(zip(names, column, strict=True))
        row = heading | estimate.numbers | {"n": count, "examples": over}
        rows.append(row | dict(flags(float(estimate.mean))))
    table = pd.DataFrame(rows)
    if better and not grouped_by:
        table = table.sort_values(
            "mean", ascending=better == "lower", kind="stable", ignore_index=True
        )
    step, places = steps or ("", np.zeros(0))
    return Evaluation(
        label=label,
        unit=unit,
        better=better,
        examples=examples,
        table=table,
        curves=_curves(examples, curves, places, seed, confidence) if curves else None,
        grouped_by=grouped_by,
        step=step,
        seed=seed,
        confidence=confidence,
        left_out=left_out,
        unseen=unseen,
    )


def _curves(
    examples: pd.DataFrame, curves: Sequence[Values], steps: Values, seed: int, confidence: float
) -> pd.DataFrame:
    samples = Samples(zip(examples["example"], examples["method"], curves, strict=True))
    parts = [
        pd.DataFrame({"method": method, "step": steps} | estimate.numbers)
        for method, estimate in samples.estimate(seed, confidence).items()
    ]
    return pd.concat(parts, ignore_index=True)


def _averaged_by(examples: pd.DataFrame, grouped_by: str | None) -> list[str]:
    groups = [] if grouped_by is None else [grouped_by]
    return ["method", *groups, *([FIGURE] if FIGURE in examples else [])]


def _samples(examples: pd.DataFrame, names: Sequence[str]) -> Samples[tuple[str, ...]]:
    """Return the values by example and by the values of these columns."""
    columns = zip(*(examples[name] for name in names), strict=True)
    return Samples(zip(examples["example"], columns, examples["value"], strict=True))
