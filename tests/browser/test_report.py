"""The page of an evaluation, opened from disk with the network off."""

from __future__ import annotations

from pathlib import Path

import pytest

import gradeclip_widget as gw
from gradeclip_widget.evaluation import Deletion, FailedExample, demo_examples
from gradeclip_widget.evaluation.report import make_report, save_report

from .conftest import OpenPage

# The texts in figures that stick out of the page to the left or the right.
CUT = """() => [...document.querySelectorAll(".js-plotly-plot text")]
  .filter((text) => {
    const { left, right, width } = text.getBoundingClientRect();
    return width > 0 && (left < 0 || right > innerWidth);
  })
  .map((text) => text.textContent)"""

# Plotly fits its figures to a window of another size after a moment.
FITTED = """() => [...document.querySelectorAll(".js-plotly-plot .main-svg")]
  .every((svg) => svg.getBoundingClientRect().right <= innerWidth)"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with curves and intervals, and an example that was left out."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    explainer = gw.Explainer(gw.load("demo"))
    methods = {name: explainer.with_method(name) for name in ("grad-eclip", "legrad", "rollout")}
    examples = [*demo_examples(2), FailedExample("/a/very/long/path/" * 9, "it is damaged")]
    with pytest.warns(UserWarning, match="left out 1 of 3 examples"):
        report = make_report(
            methods, examples, [Deletion(steps=1)], model="demo", data="scenes", progress=False
        )
    save_report(report, path)
    return path


@pytest.mark.parametrize("width", [1100, 400])
def test_nothing_is_cut_at_the_sides(open_page: OpenPage, file: Path, width: int) -> None:
    page = open_page(file)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(FITTED)
    assert page.locator(".js-plotly-plot text").count() > 20
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
