"""The page of an evaluation, opened from disk with the network off."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

import gradeclip_widget as gw
from gradeclip_widget.evaluation import Deletion, FailedExample, demo_examples
from gradeclip_widget.evaluation.report import make_report, save_report

from .conftest import OpenPage

# The texts of figures that extend beyond the left or right edge of the page.
CUT = """() => [...document.querySelectorAll(".js-plotly-plot text")]
  .filter((text) => {
    const { left, right, width } = text.getBoundingClientRect();
    return width > 0 && (left < 0 || right > innerWidth);
  })
  .map((text) => text.textContent)"""

# Whether Plotly has fitted its figures to the width of the window.
FITTED = """() => [...document.querySelectorAll(".js-plotly-plot .main-svg")]
  .every((svg) => svg.getBoundingClientRect().right <= innerWidth)"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with curves, intervals and a failed example."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    explainer = gw.Explainer(gw.load("demo"))
    methods = {name: explainer.with_method(name) for name in ("grad-eclip", "legrad", "rollout")}
    examples = [*demo_examples(2), FailedExample("/a/very/long/path/" * 9, "it is damaged")]
    with pytest.warns(UserWarning, match="1 of 3"):
        report = make_report(
            methods, examples, [Deletion(steps=1)], model="demo", data="scenes", progress=False
        )
    save_report(report, path)
    return path


@pytest.mark.parametrize("width", [1100, 400])
def test_no_text_is_cut_off_at_the_sides(open_page: OpenPage, file: Path, width: int) -> None:
    page = open_page(file)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(FITTED)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.locator(".js-plotly-plot text").count() > 20
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
