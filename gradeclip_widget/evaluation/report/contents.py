"""The contents of a report, and its tables and sentences as text."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...explain.explanation import Explanation
from ..examples import FailedExample
from ..measures.sanity import SURVIVES
from ..result import Evaluation, not_seen, omissions


@dataclass(frozen=True, eq=False)
class Extreme:
    """One of a method's best or worst examples.

    Attributes:
        method: name of the method.
        example: id of the example.
        value: the measured value.
        best: whether it is among the best.
        explanation: the method's explanation of the example.
    """

    method: str
    example: str
    value: float
    best: bool
    explanation: Explanation = field(repr=False)


@dataclass(frozen=True, eq=False)
class Report:
    """The contents of a report.

    Attributes:
        model: name of the model.
        data: description of the examples.
        count: number of examples with at least one value.
        left_out: examples that could not be read or explained, which are not counted.
        seed: seed of everything random.
        command: command that makes the same report again; empty if there is none.
        evaluations: evaluations of the methods, by the measures' labels.
        advice: sentences on the model.
        model_evaluations: evaluations of the model, on which the advice is based.
        ranked_by: label of the measure that ranks the examples: the first with one value for each method.
        extremes: the best and worst examples of every method; empty without such a measure.
        date: date of the report.
    """

    model: str
    data: str
    count: int
    left_out: Sequence[FailedExample]
    seed: int
    command: str
    evaluations: Mapping[str, Evaluation]
    advice: Sequence[str]
    model_evaluations: Mapping[str, Evaluation]
    ranked_by: str
    extremes: Sequence[Extreme]
    date: datetime.date


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: mean and interval.
        best: whether no method is better.
        tied: whether the interval of its paired difference to the best contains zero.
    """

    text: str
    best: bool = False
    tied: bool = False


def about(report: Report) -> str:
    """Return a text with the examples, the date, the seed and the examples that were left out."""
    count = f"{report.count} example{'s' * (report.count != 1)}"
    sentences = [f"{count}: {report.data}", f"{report.date.isoformat()}, seed {report.seed}"]
    if report.left_out:
        sentences.append(omissions(report.left_out))
    unseen = next((one.unseen for one in report.evaluations.values() if one.unseen), ())
    if unseen:
        sentences.append(not_seen(unseen))
    return ". ".join(sentences) + "."


def ungrouped(evaluations: Mapping[str, Evaluation]) -> list[Evaluation]:
    """Return the evaluations with one value per method."""
    return [one for one in evaluations.values() if one.grouped_by is None]


def is_ranked(evaluation: Evaluation) -> bool:
    """Return whether methods are ranked; a check, which they pass or fail, does not rank them."""
    return bool(evaluation.better) and len(evaluation.table) > 1 and not _is_check(evaluation)


def cells(evaluation: Evaluation) -> dict[str, Cell]:
    """Return a cell for each method."""
    table = evaluation.table
    ranked = is_ranked(evaluation)
    best = str(table.iloc[0]["method"])
    tied = {best}
    if ranked:
        difference = evaluation.differences(best)
        tied |= set(difference[(difference["low"] <= 0) & (difference["high"] >= 0)]["method"])
    return {
        row["method"]: Cell(
            estimate_text(row), ranked and row["method"] == best, ranked and row["method"] in tied
        )
        for row in table.to_dict("records")
    }


def estimate_text(row: Mapping[Any, Any]) -> str:
    """Return the mean and interval of a row of a table as text."""
    return f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def verdicts(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """Return a sentence for each measure that ranks several methods, or checks them.

    It names the best method and the ones not significantly worse, or those that fail the check.
    """
    return [
        _failures(e) if _is_check(e) else _verdict(e)
        for e in ungrouped(evaluations)
        if _is_check(e) or is_ranked(e)
    ]


def _is_check(evaluation: Evaluation) -> bool:
    return SURVIVES in evaluation.table


def _failures(evaluation: Evaluation) -> str:
    """Return a sentence with the methods whose maps survive shuffled weights."""
    table = evaluation.table
    failed = [str(method) for method in table["method"][table[SURVIVES]]]
    if not failed:
        return f"{evaluation.label}: no method's maps survive, so all maps depend on the model."
    return f"{evaluation.label}: the maps of {_listed(failed)} survive, so they do not depend on the model."


def _verdict(evaluation: Evaluation) -> str:
    by_method = cells(evaluation)
    best = next(method for method, cell in by_method.items() if cell.best)
    tied = [method for method, cell in by_method.items() if cell.tied and not cell.best]
    ties = f"; {_listed(tied)} may be equally good" if tied else ""
    return f"{evaluation.label}: {best} is best, {by_method[best].text}{ties}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class GroupTable:
    """A table of one measure with several values for each method.

    Attributes:
        title: the measure and the number of examples.
        heads: heads of the columns: first those of the rows' labels, then the groups or quantities.
        rows: texts of the cells; empty if there is no value.
    """

    title: str
    heads: list[str]
    rows: list[list[str]]


def group_tables(evaluations: Mapping[str, Evaluation]) -> list[GroupTable]:
    """Return a table for each evaluation with several values per method."""
    return [_group_table(one) for one in evaluations.values() if one.grouped_by is not None]


def _group_table(evaluation: Evaluation) -> GroupTable:
    *of_rows, of_columns = evaluation.averaged_by
    texts: dict[tuple[str, ...], dict[str, str]] = {}
    for row in evaluation.table.to_dict("records"):
        labels = tuple(str(row[name]) for name in of_rows)
        texts.setdefault(labels, {})[row[of_columns]] = estimate_text(row)
    columns = list(dict.fromkeys(evaluation.table[of_columns]))
    count = evaluation.examples["example"].nunique()
    return GroupTable(
        f"{evaluation.title}; {count} example{'s' * (count != 1)}",
        [*of_rows, *columns],
        [
            [*labels, *(by_column.get(column, "") for column in columns)]
            for labels, by_column in texts.items()
        ],
    )
