"""Names, map and picture keep together on scaled, zoomed and printed pages and under a host's styles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .made import made_explanation
from .view import View

# A host's rules for pictures: reveal.js and VS Code limit their height, Tailwind's reset sets it to "auto".
HOST = """#host img, #host canvas, #host svg { max-height: 50%; max-width: 95%; height: auto; margin: 20px 0;
  border: 4px solid red }"""
SCALED = {  # a slide is scaled to the window
    "smaller": "#host { transform: scale(0.6); transform-origin: 0 0 }",
    "larger": "#host { transform: scale(1.48); transform-origin: 0 0 }",
    "host": HOST,
}
NEAR = 0.01  # of the picture's size
MIDDLE, ITS_PATCH = (0.75, 0.55), "M400 200H440V240H400Z"  # of a patch on the whale

# Where things are, as fractions of the picture: per name its middle (x, y), that of the dot at its peak,
# whether all of it is inside, and how far it is from its dot, in ems; the boxes of picture, map and lines.
_PLACES = """stage => {
  const frame = stage.getBoundingClientRect();
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [(left - frame.left) / frame.width, (top - frame.top) / frame.height,
      (right - frame.left) / frame.width, (bottom - frame.top) / frame.height];
  };
  const middle = ([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];
  const dots = [...stage.querySelectorAll(".gradeclip-chips i")];
  const names = [...stage.querySelectorAll(".gradeclip-chip")].map((chip, k) => {
    const at = box(chip);
    const dot = middle(box(dots[k]));
    const away = Math.max(at[0] - dot[0], dot[0] - at[2], 0) * frame.width
      + Math.max(at[1] - dot[1], dot[1] - at[3], 0) * frame.height;
    const line = (at[3] - at[1]) * frame.height; // 1.58 em
    return { name: chip.textContent, middle: middle(at), dot,
      inside: Math.min(...at, 1 - at[2], 1 - at[3]) >= 0,
      visible: getComputedStyle(chip).visibility === "visible", ems: 1.58 * away / line };
  });
  const layers = stage.querySelectorAll(".gradeclip-image, .gradeclip-heat, .gradeclip-overlay");
  return { names, layers: [...layers].map(box) };
}"""

# Prints the page, and returns where things were on paper.
_ON_PAPER = """(stage) => {
  const measure = PLACES;
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (!matches) return;
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    window.paper = { ...measure(stage), ground: style(".gradeclip").backgroundColor,
      exact: style(".gradeclip-track i").printColorAdjust,
      chosen: style(".gradeclip-segmented :checked + span").backgroundColor,
      cut: stage.closest(".gradeclip").scrollWidth - stage.closest(".gradeclip").clientWidth };
  });
}""".replace("PLACES", _PLACES)


@pytest.fixture
def page(open_page: OpenPage, tmp_path: Path) -> Page:
    made_explanation().to_html(tmp_path / "made.html")
    page = open_page(tmp_path / "made.html")
    page.evaluate("document.body.id = 'host'")
    return page


def places(view: View) -> dict[str, Any]:
    view.settle()
    return dict(view.stage.evaluate(_PLACES))


def expect_in_place(now: dict[str, Any], before: dict[str, Any], *, moved: float = 1) -> None:
    """Each name is at its peak, within `NEAR`; `moved`: how far its middle may be from before."""
    assert [name["name"] for name in now["names"]] == ["red fox", "blue whale"]
    for name, known in zip(now["names"], before["names"], strict=True):
        assert name["visible"]
        assert name["inside"]
        assert name["dot"] == pytest.approx(known["dot"], abs=NEAR)
        assert name["middle"] == pytest.approx(known["middle"], abs=moved)
        assert name["ems"] <= 1
    for layer in now["layers"]:
        assert layer == pytest.approx([0, 0, 1, 1], abs=1e-3), "picture, map and lines are one box"


def expect_pointer_hits(view: View) -> None:
    """The pointer reaches the patch that is under it, and a drag the box around which it goes."""
    view.point_at(MIDDLE)
    expect(view.root.locator(".gradeclip-patch")).to_have_attribute("d", ITS_PATCH)
    view.drag((0.6, 0.2), (0.9, 0.8))
    assert view.region_numbers() == pytest.approx([336, 80, 504, 320, 336], abs=2)
    view.page.keyboard.press("Escape")
    expect(view.region).to_have_attribute("d", "")


def test_names_and_pointer_keep_their_places_on_scaled_pages_and_under_host_styles(
    page: Page,
) -> None:
    view = View(page, page)
    before = places(view)
    expect_in_place(before, before)
    for css in SCALED.values():
        style = page.add_style_tag(content=css)
        expect_in_place(places(view), before, moved=NEAR)
        expect_pointer_hits(view)
        style.evaluate("style => style.remove()")
    page.add_style_tag(content="#host { zoom: 1.5 }")
    expect_in_place(places(view), before)
    expect_pointer_hits(view)


def test_the_interface_keeps_its_direction_and_letters_in_other_pages(page: Page) -> None:
    view = View(page, page)
    bar = view.root.locator(".gradeclip-bar.is-word").first
    before = bar.inner_text()
    page.add_style_tag(
        content="#host { direction: rtl; writing-mode: vertical-rl; text-transform: uppercase; "
        "letter-spacing: 5px }"
    )
    word, value = (bar.locator(f":scope > :nth-child({n})").bounding_box() for n in (1, 3))
    assert word is not None
    assert value is not None
    assert word["x"] < value["x"]
    assert abs(word["y"] - value["y"]) < word["height"]
    assert bar.inner_text() == before
    expect(bar).to_have_css("letter-spacing", "normal")


def test_help_is_beside_its_button_on_a_scaled_page(page: Page) -> None:
    page.add_style_tag(content=SCALED["smaller"])
    view = View(page, page)
    view.root.get_by_role("radio", name="All words").press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    at = view.root.locator("[data-help]:has(:focus)").bounding_box()
    tip = view.help.bounding_box()
    assert at is not None
    assert tip is not None
    assert tip["x"] <= at["x"] + at["width"] / 2 <= tip["x"] + tip["width"]
    assert 0 < at["y"] - (tip["y"] + tip["height"]) <= 10


def test_a_fragment_on_a_scaled_slide_is_in_place(open_page: OpenPage, tmp_path: Path) -> None:
    slide = (
        f"<!doctype html><style>{HOST} iframe {{ max-height: 95% }}</style>"
        '<div style="width: 960px; transform: scale(0.6); transform-origin: 0 0">'
        f'<section id="host">{made_explanation()._repr_html_()}</section></div>'
    )
    (tmp_path / "slide.html").write_text(slide, encoding="utf-8")
    page = open_page(tmp_path / "slide.html")
    view = View(page, page.frame_locator("iframe"))
    expect(view.chips).to_have_count(2)
    expect_in_place(places(view), places(view))
    frame = page.locator("iframe").evaluate(
        "f => [...Object.values(f.getBoundingClientRect().toJSON())]"
    )
    at = view.stage.evaluate("s => [...Object.values(s.getBoundingClientRect().toJSON())]")
    x, y = (frame[k] + 0.6 * (at[k] + MIDDLE[k] * at[k + 2]) for k in (0, 1))
    page.mouse.move(x, y)
    expect(view.root.locator(".gradeclip-patch")).to_have_attribute("d", ITS_PATCH)


def test_a_dark_page_prints_names_in_place_and_colors_on_white(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    view = View(page, page)
    expect(view.root).to_have_attribute("data-theme", "dark")
    before = places(view)
    view.stage.evaluate(_ON_PAPER)
    page.pdf()
    paper = page.evaluate("window.paper")
    expect_in_place(paper, before, moved=NEAR)
    assert paper["ground"] == "rgb(255, 255, 255)"
    assert paper["chosen"] == "rgb(58, 91, 217)"
    assert paper["exact"] == "exact"
    assert paper["cut"] <= 0
