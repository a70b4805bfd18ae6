"""The figures of a report in the form that both its page and its Markdown show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..result import Evaluation


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


def counted_examples(count: int) -> str:
    """Return ``"1 example"``, ``"2 examples"`` and so on."""
    return f"{count} example{'s' * (count != 1)}"


def ungrouped(evaluations: Mapping[str, Evaluation]) -> list[Evaluation]:
    """Return the evaluations with one value per method."""
    return [one for one in evaluations.values() if one.grouped_by is None]


def cells(evaluation: Evaluation) -> dict[str, Cell]:
    """Return a figure for each method."""
    table = evaluation.table
    ranked = evaluation.better is not None and len(table) > 1
    best = str(table.iloc[0]["method"])
    tied = {best}
    if ranked:
        difference = evaluation.differences(best)
        tied |= set(difference[(difference["low"] <= 0) & (difference["high"] >= 0)]["method"])
    return {
        row.method: Cell(
            f"{row.mean:.3f} ({row.low:.3f} to {row.high:.3f})",
            ranked and row.method == best,
            ranked and row.method in tied,
        )
        for row in table.itertuples()
    }


def verdicts(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """Return a sentence for each measure that ranks several methods: which is best, and what ties with it."""
    return [_verdict(one) for one in ungrouped(evaluations) if one.better and len(one.table) > 1]


def _verdict(evaluation: Evaluation) -> str:
    found = cells(evaluation)
    best = next(method for method, cell in found.items() if cell.best)
    others = [method for method, cell in found.items() if cell.tied and not cell.best]
    ties = f"; {_listed(others)} cannot be told apart from it" if others else ""
    return f"{evaluation.label}: {best} is best, {found[best].text}{ties}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
