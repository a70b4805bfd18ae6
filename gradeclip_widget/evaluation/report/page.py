"""A report as one self-contained page: tables, curves, and interactive examples."""

from __future__ import annotations

import html
from collections.abc import Sequence
from string import Template

from ...export.html import frame
from ..result import Evaluation
from .contents import Extreme, Report, about, cells, group_tables, ungrouped, verdicts

_GRID = "rgba(128, 128, 128, 0.25)"
_CLEAR = "rgba(0, 0, 0, 0)"
# For narrow screens: the page's text replaces plotly's title, which has no line breaks, and the legend is
# below the plot instead of beside it.
_LAYOUT = {
    "paper_bgcolor": _CLEAR,
    "plot_bgcolor": _CLEAR,
    "font": {"color": "#808080"},
    "title": {"text": ""},
    "margin": {"t": 12},
    "legend": {"orientation": "h", "yref": "container", "y": 0, "title": {"text": ""}},
}

_BEST = " Tinted: the best, and those whose paired difference to it may be zero."

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8884; --good: #2a7f621f; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 32px auto; padding: 0 16px; }
h1 { font-size: 24px; margin-bottom: 4px; }
h2 { font-size: 18px; margin-top: 40px; }
.about, figcaption, th small { opacity: 0.7; }
.about { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px 6px 0; text-align: left; white-space: nowrap; }
tr { border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: bottom; }
th small, td small { display: block; font-weight: 400; }
.groups th { white-space: normal; max-width: 140px; }
td.tied { background: var(--good); }
td.best { font-weight: 600; }
pre { overflow-x: auto; padding: 10px 12px; border: 1px solid var(--line); border-radius: 6px; }
details { border-bottom: 1px solid var(--line); padding: 8px 0; }
summary { cursor: pointer; }
figure { margin: 12px 0; }
figure, tr, pre { break-inside: avoid; }
h2 { break-after: avoid; }
@media print { td.tied { print-color-adjust: exact; } }
@media (forced-colors: active) { td.tied { outline: 1px solid Highlight; outline-offset: -2px; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="about">$about</p>
$command
<h2>Comparison of the methods</h2>
$table
$groups
<p class="about">$key</p>
<ul>$verdicts</ul>
$curves
<h2>The model</h2>
<ul>$advice</ul>
$model_figures
$extremes
</body>
</html>
""")


def page(report: Report) -> str:
    """Return a report as one self-contained page."""
    confidence = next(iter(report.evaluations.values())).confidence
    command = f"<pre>{html.escape(report.command)}</pre>" if report.command else ""
    of_methods, of_model = _figures(report)
    return _PAGE.substitute(
        title=html.escape(f"How well the words of {report.model} are explained"),
        about=html.escape(about(report)),
        command=command,
        table=_table(report),
        groups=_group_tables(report),
        key=f"In small print: {confidence:.0%} bootstrap intervals over examples."
        + _BEST * bool(ungrouped(report.evaluations)),
        verdicts=_items(verdicts(report.evaluations)),
        curves="\n".join(of_methods),
        model_figures="\n".join(of_model),
        advice=_items(report.advice),
        extremes=_extremes(report),
    )


def _table(report: Report) -> str:
    evaluations = ungrouped(report.evaluations)
    if not evaluations:
        return ""
    columns = [cells(evaluation) for evaluation in evaluations]
    methods = dict.fromkeys(method for column in columns for method in column)
    heads = "".join(
        f"<th>{html.escape(e.label)}<small>{f'{e.better} is better' if e.better else ''}</small></th>"
        for e in evaluations
    )
    rows = []
    for method in methods:
        row = [f"<th>{html.escape(method)}</th>"]
        for column in columns:
            cell = column.get(method)
            if cell is None:
                row.append("<td></td>")
                continue
            kind = " ".join(name for name in ("best", "tied") if getattr(cell, name))
            mean, interval = cell.text.split(" ", 1)
            row.append(f'<td class="{kind}">{mean}<small>{interval.strip("()")}</small></td>')
        rows.append(f"<tr>{''.join(row)}</tr>")
    head = f"<thead><tr><th>method</th>{heads}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _group_tables(report: Report) -> str:
    """Return the tables of the measures with several values for each method."""
    parts = []
    for table in group_tables(report.evaluations):
        heads = "".join(f"<th>{html.escape(head)}</th>" for head in table.heads)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
        parts.append(
            f'<p>{html.escape(table.title)}</p><div class="scroll"><table class="groups"><thead><tr>'
            f"{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return a cell of a table of groups, with the interval in small print."""
    mean, bracket, interval = text.partition(" (")
    if not bracket:
        return f"<td>{html.escape(text)}</td>"
    return f"<td>{mean}<small>{interval.strip(')')}</small></td>"


def _figures(report: Report) -> tuple[list[str], list[str]]:
    """Return the figures of the methods, and those of the model."""
    of_methods = [e for e in report.evaluations.values() if e.curves is not None or e.grouped_by]
    of_model = [e for e in report.model_evaluations.values() if e.grouped_by]
    # The first figure contains plotly's code, which the others use.
    texts = [_figure(evaluation, n == 0) for n, evaluation in enumerate([*of_methods, *of_model])]
    return texts[: len(of_methods)], texts[len(of_methods) :]


def _figure(evaluation: Evaluation, code: bool) -> str:
    # Figures have no themes: gray on a transparent background is readable on light and on dark pages.
    figure = evaluation.figure().update_layout(_LAYOUT)
    of_values = "xaxis" if evaluation.curves is None else "yaxis"  # its title is in the caption
    figure.update_layout({of_values: {"title": {"text": ""}}})
    grid = {"gridcolor": _GRID, "zerolinecolor": _GRID}
    text = (
        figure.update_xaxes(grid)
        .update_yaxes(grid)
        .to_html(full_html=False, include_plotlyjs=code, config={"displaylogo": False})
    )
    return f"<figure><figcaption>{html.escape(evaluation.title)}</figcaption>{text}</figure>"


def _extremes(report: Report) -> str:
    if not report.extremes:
        return ""
    examples = "\n".join(map(_example, report.extremes))
    return (
        f'<h2>Best and worst examples</h2>\n<p class="about">By {html.escape(report.ranked_by)}. Hover over '
        f"the words, or click the picture.</p>\n{examples}"
    )


def _example(extreme: Extreme) -> str:
    place = "best" if extreme.best else "worst"
    summary = f"{extreme.method}, {place}: {extreme.example}, {extreme.value:.3f}"
    caption = html.escape(extreme.explanation.caption)
    return (
        f"<details><summary>{html.escape(summary)} <q>{caption}</q></summary>"
        f"{frame([extreme.explanation])}</details>"
    )


def _items(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{_emphasized(sentence)}</li>" for sentence in sentences)


def _emphasized(sentence: str) -> str:
    """Return a sentence as HTML; text between asterisks is emphasized."""
    parts = html.escape(sentence).split("*")
    return "".join(f"<em>{part}</em>" if n % 2 else part for n, part in enumerate(parts))
