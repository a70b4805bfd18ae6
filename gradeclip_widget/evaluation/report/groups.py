"""Tables of measures that have several values for each method: one per group, or per figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..result import Evaluation
from .summary import estimate_text


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
