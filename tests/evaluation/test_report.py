"""Reports on methods and on the model, as a page and as Markdown."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.evaluation import (
    Deletion,
    EnergyPointing,
    RandomizedWeights,
    RandomMap,
    TrueCaptions,
    demo_examples,
)
from gradeclip_widget.evaluation.report import Report, make_report, save_report
from gradeclip_widget.evaluation.report.contents import cells, verdicts
from gradeclip_widget.evaluation.report.markdown import markdown
from gradeclip_widget.evaluation.report.page import page
from gradeclip_widget.evaluation.report.report import _on_readings
from gradeclip_widget.explain.explanation import Explanation

SEED = 963_000


class Backwards:
    """The opposite of an explainer: its maps point at what the words do not name."""

    def __init__(self, explainer: gw.Explainer) -> None:
        self.explainer = explainer

    def __call__(self, image: Any, caption: str) -> Explanation:
        e = self.explainer(image, caption)
        parts = vars(e) | {"interactions": -e.interactions, "signed_map": -e.signed_map}
        return type(e)(**{name: parts[name] for name in e.__dataclass_fields__})


@pytest.fixture(scope="module")
def report(clip: gw.ClipModel) -> Report:
    explainer = gw.Explainer(clip)
    return make_report(
        {"grad-eclip": explainer, "back<wards>": Backwards(explainer)},
        list(demo_examples(8, SEED)),
        [EnergyPointing(), Deletion(steps=2)],
        model="demo",
        data="drawn scenes",
        command="gradeclip evaluate --model demo",
        seed=SEED,
        progress=False,
    )


def test_the_best_method_is_named_and_a_worse_one_is_not_tied(report: Report) -> None:
    energy = report.evaluations["energy in the mask"]
    result = cells(energy)
    assert result["grad-eclip"].best
    assert result["grad-eclip"].tied
    assert not result["back<wards>"].tied
    assert result["grad-eclip"].text.startswith(f"{energy.table.iloc[0]['mean']:.3f} (")
    (first, *_) = verdicts(report.evaluations)
    assert first.startswith("energy in the mask: grad-eclip is best, 0.")
    assert "equally good" not in first


def test_methods_whose_difference_may_be_zero_are_tied(clip: gw.ClipModel) -> None:
    explainer = gw.Explainer(clip)
    twins = {"one": explainer, "other": explainer}
    report = make_report(
        twins,
        list(demo_examples(4, SEED)),
        [EnergyPointing()],
        model="demo",
        data="scenes",
        progress=False,
    )
    assert "may be equally good" in verdicts(report.evaluations)[0]


def test_a_check_names_the_methods_that_fail_and_ranks_none(clip: gw.ClipModel) -> None:
    explainer = gw.Explainer(clip)
    explainers = {"grad-eclip": explainer, "random map": RandomMap(explainer)}
    result = {
        "randomized weights": RandomizedWeights()(
            explainers, list(demo_examples(3, SEED)), progress=False
        )
    }
    (sentence,) = verdicts(result)
    assert sentence.startswith("randomized weights: the maps of random map survive")
    assert not any(cell.best or cell.tied for cell in cells(result["randomized weights"]).values())


def test_the_advice_has_the_measured_values_of_the_model(report: Report) -> None:
    text = " ".join(report.advice)
    assert re.search(
        r"\*(in caption|alone|left out)\* points? best on this model \(in caption", text
    )
    assert re.search(r"mean rank correlation among a caption's content words is -?\d\.\d\d", text)
    assert re.search(r"\d+% have no importance", text)
    assert re.search(r"explained image blocks contain \d+%", text)


def test_equally_good_readings_are_named_together() -> None:
    alike = _on_readings({"in caption": 0.9, "alone": 0.5, "left out": 0.9})
    assert "*in caption* and *left out* point best" in alike
    assert "*alone* points best" in _on_readings({"in caption": 0.9, "alone": 0.95})


def test_the_best_and_worst_examples_are_explained_by_their_method(report: Report) -> None:
    values = report.evaluations[report.ranked_by].examples.groupby(["method", "example"])["value"]
    means = values.mean()
    extremes = [extreme for extreme in report.extremes if extreme.method == "grad-eclip"]
    assert sum(extreme.best for extreme in extremes) == 2
    top = max(extremes, key=lambda extreme: extreme.value)
    assert top.value == means["grad-eclip"].max()
    assert top.best
    back = next(extreme for extreme in report.extremes if extreme.method == "back<wards>")
    straight = gw.Explainer(gw.load("demo"))(back.explanation.image, back.explanation.caption)
    np.testing.assert_allclose(back.explanation.signed_map, -straight.signed_map, atol=1e-5)


def test_the_page_is_complete_and_escapes_names(report: Report) -> None:
    text = page(report)
    assert "back&lt;wards&gt;" in text
    assert "<wards>" not in text
    assert "gradeclip evaluate --model demo" in text
    assert text.count("<iframe ") == len(report.extremes)
    drawn = [e for e in report.evaluations.values() if e.curves is not None]
    assert drawn
    for evaluation in drawn:  # plotly would not break a title into lines
        assert f"<figcaption>{html.escape(evaluation.title)}</figcaption>" in text
    assert text.count("Plotly.newPlot(") == text.count("<figcaption>")
    assert not re.search(r"<(script|link)[^>]+(src|href)=.https?:", text)


def test_the_markdown_has_a_row_for_each_method(report: Report) -> None:
    text = markdown(report)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[0].startswith("| method | energy in the mask (higher is better) | deletion")
    assert {row.split(" | ")[0].strip("| ") for row in rows[1:]} == {"grad-eclip", "back<wards>"}
    assert "**" in next(row for row in rows if "grad-eclip" in row)
    assert "8 examples: drawn scenes." in text


def test_measures_with_several_figures_have_a_table_of_their_own(
    clip: gw.ClipModel, report: Report
) -> None:
    explainer = gw.Explainer(clip)
    result = make_report(
        {"grad-eclip": explainer, "back<wards>": Backwards(explainer)},
        list(demo_examples(3, SEED)),
        [TrueCaptions()],
        model="demo",
        data="scenes",
        progress=False,
    )
    text = markdown(result)
    evaluation = result.evaluations["true captions"]
    assert f"{evaluation.title}; 3 examples:" in text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    head, *values = rows
    assert head[:4] == ["method", "importance", "named word at or below zero", "named word colored"]
    table = evaluation.table.set_index(["method", "importance", "figure"])
    for method, importance, *cells_of in values:
        for figure, cell in zip(head[2:], cells_of, strict=True):
            of = table.loc[(method, importance, figure)]
            assert cell == f"{of['mean']:.3f} ({of['low']:.3f} to {of['high']:.3f})"
    assert len(values) == 2 * len(set(evaluation.table["importance"]))
    assert "**Bold**" not in text  # no method is the best
    assert result.extremes == []
    shown = page(result)
    assert "<th>named word colored</th>" in shown
    assert "<td>back&lt;wards&gt;</td>" in shown
    assert "Best and worst examples" not in shown
    assert "Tinted" not in shown
    for part in ("Best and worst examples", "Tinted: the best"):
        assert part in page(report)


def test_a_report_is_written_by_its_suffix(report: Report, tmp_path: Path) -> None:
    save_report(report, tmp_path / "report.md")
    assert (tmp_path / "report.md").read_text() == markdown(report)
    with pytest.raises(ValueError, match=r"report\.pdf"):
        save_report(report, tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == [tmp_path / "report.md"]
