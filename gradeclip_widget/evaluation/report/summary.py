"""The figures of a report in the form that both its page and its Markdown show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..measures.sanity import SURVIVES
from ..result import Evaluation, omissions
from .record import Report


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
