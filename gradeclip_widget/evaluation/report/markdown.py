"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .contents import Cell, Report, about, cells, group_tables, ungrouped, verdicts

_KEY = "In brackets: {} bootstrap intervals over examples."
_BEST = " **Bold**: the best, and those whose paired difference to it may be zero."


def markdown(report: Report) -> str:
    """Return the tables and sentences of a report as Markdown."""
    evaluations = ungrouped(report.evaluations)
    columns = [cells(evaluation) for evaluation in evaluations]
    methods = dict.fromkeys(method for column in columns for method in column)
    heads = [f"{e.label} ({e.better} is better)" if e.better else e.label for e in evaluations]
    lines = [f"Model {report.model}. {about(report)}"]
    if report.command:
        lines += ["", "```sh", report.command, "```"]
    if evaluations:
        rows = [[method, *(_text(column.get(method)) for column in columns)] for method in methods]
        lines += ["", *_table(["method", *heads], rows)]
    for table in group_tables(report.evaluations):
        lines += ["", f"{table.title}:", "", *_table(table.heads, table.rows)]
    interval = f"{next(iter(report.evaluations.values())).confidence:.0%}"
    lines += [
        "",
        _KEY.format(interval) + _BEST * bool(evaluations),
        "",
        *(f"- {sentence}" for sentence in [*verdicts(report.evaluations), *report.advice]),
    ]
    return "\n".join(lines) + "\n"


def _text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"**{cell.text}**" if cell.tied else cell.text


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(heads), "|---" * len(heads) + "|", *map(_line, rows)]


def _line(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"
