"""The contents of a report, and its tables and sentences as text."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...explain.explanation import Explanation
from ..examples import FailedExample
from ..measures.sanity import SURVIVES
from ..result import Evaluation, omissions


@dataclass(frozen=True, eq=False)
class Extreme:
    """An example on which a method did best, or worst.

    Attributes:
        method: the method.
        example: id of the example.
        value: what was measured.
        best: whether it is among the best.
        explanation: the method's explanation of it.
    """

    method: str
    example: str
    value: float
    best: bool
    explanation: Explanation = field(repr=False)


@dataclass(frozen=True, eq=False)
class Report:
    """What an evaluation found.

    Attributes:
        model: name of the model.
        data: what it was measured on, in words.
        count: number of examples that a measure says anything of.
        left_out: those that could not be read or explained, which are not counted.
        seed: of everything random.
        command: what makes the same report again, if it was made by a command.
        evaluations: by the measures' labels.
        advice: sentences on the model.
        model_evaluations: what they rest on.
        ranked_by: label of the measure that the extremes are by: the first with one value for each method.
        extremes: the best and worst examples of every method; none without such a measure.
        date: when it was made.
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
    """One figure of a table.

    Attributes:
        text: mean and interval.
        best: whether no method is better.
        tied: whether the interval of its paired difference to the best holds zero.
    """

    text: str
    best: bool = False
    tied: bool = False


def about(report: Report) -> str:
    """Return what was measured on, when, and what was left out."""
    count = f"{report.count} example{'s' * (report.count != 1)}"
    sentences = [f"{count}: {report.data}", f"{report.date.isoformat()}, seed {report.seed}"]
    if report.left_out:
        sentences.append(omissions(report.left_out))
    return ". ".join(sentences) + "."


def ungrouped(evaluations: Mapping[str, Evaluation]) -> list[Evaluation]:
    """Return the evaluations with one value per method."""
    return [one for one in evaluations.values() if one.grouped_by is None]


def is_ranked(evaluation: Evaluation) -> bool:
    """Return whether methods are ranked: a check that they pass or fail ranks none."""
    return bool(evaluation.better) and len(evaluation.table) > 1 and not _is_check(evaluation)


def cells(evaluation: Evaluation) -> dict[str, Cell]:
    """Return a figure for each method."""
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

    It says which is best, and what ties with it; or which do not pass.
    """
    shown = ungrouped(evaluations)
    return [
        _failures(e) if _is_check(e) else _verdict(e) for e in shown if _is_check(e) or is_ranked(e)
    ]


def _is_check(evaluation: Evaluation) -> bool:
    return SURVIVES in evaluation.table


def _failures(evaluation: Evaluation) -> str:
    """Return which methods' maps survive what should change them."""
    table = evaluation.table
    failed = [str(method) for method in table["method"][table[SURVIVES]]]
    if not failed:
        return f"{evaluation.label}: no map survives them, so all maps say something of the model."
    maps = "maps survive them and say" if len(failed) > 1 else "map survives them and says"
    return f"{evaluation.label}: of {_listed(failed)} the {maps} nothing of the model."


def _verdict(evaluation: Evaluation) -> str:
    found = cells(evaluation)
    best = next(method for method, cell in found.items() if cell.best)
    others = [method for method, cell in found.items() if cell.tied and not cell.best]
    ties = f"; {_listed(others)} cannot be told apart from it" if others else ""
    return f"{evaluation.label}: {best} is best, {found[best].text}{ties}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class GroupTable:
    """The values of one measure.

    Attributes:
        title: the measure, and how many examples it was taken on.
        heads: of the columns: of what tells the rows apart first, then groups or figures.
        rows: the texts of the cells; empty where there is no value.
    """

    title: str
    heads: list[str]
    rows: list[list[str]]


def group_tables(evaluations: Mapping[str, Evaluation]) -> list[GroupTable]:
    """Return a table for each evaluation with several values per method."""
    return [_group_table(one) for one in evaluations.values() if one.grouped_by is not None]


def _group_table(evaluation: Evaluation) -> GroupTable:
    *of_rows, of_columns = evaluation.averaged_by
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for row in evaluation.table.to_dict("records"):
        place = tuple(str(row[name]) for name in of_rows)
        cells.setdefault(place, {})[row[of_columns]] = estimate_text(row)
    columns = list(dict.fromkeys(evaluation.table[of_columns]))
    count = evaluation.examples["example"].nunique()
    return GroupTable(
        f"{evaluation.title}; {count} example{'s' * (count != 1)}",
        [*of_rows, *columns],
        [
            [*place, *(found.get(column, "") for column in columns)]
            for place, found in cells.items()
        ],
    )
