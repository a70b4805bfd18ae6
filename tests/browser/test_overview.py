"""The first picture and its panel in an offline page: hues, names, help and folded words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import ImageColor
from playwright.sync_api import Locator, Page, expect

from gradeclip_widget.explain.explanation import Explanation

from .conftest import OpenPage
from .made import FOX, LONG_CAPTION, WHALE, made_explanation
from .view import View

ORANGE, BLUE = "#e69f00", "#56b4e9"  # of the first two highlights: "red fox", "blue whale"


def opened(open_page: OpenPage, folder: Path, explanation: Explanation) -> View:
    explanation.to_html(folder / "made.html")
    page = open_page(folder / "made.html")
    return View(page, page)


@pytest.fixture
def view(open_page: OpenPage, tmp_path: Path) -> View:
    return opened(open_page, tmp_path, made_explanation())


def hue(element: Locator) -> str:
    return str(element.evaluate("e => getComputedStyle(e).getPropertyValue('--hue')"))


def test_each_object_has_the_hue_of_its_word(view: View) -> None:
    away = {"fox": (FOX[0] - 0.05, FOX[1] + 0.12), "whale": (WHALE[0] - 0.05, WHALE[1] + 0.12)}
    hues = {"fox": ImageColor.getrgb(ORANGE), "whale": ImageColor.getrgb(BLUE)}
    for thing, at in away.items():
        color = view.color_near(at)  # not covered by its name
        distances = {name: np.abs(color - rgb).sum() for name, rgb in hues.items()}
        assert min(distances, key=lambda name: distances[name]) == thing


def test_names_and_words_have_the_same_hues(view: View) -> None:
    expect(view.chips).to_have_text(["red fox", "blue whale"])
    assert [hue(chip) for chip in view.chips.all()] == [ORANGE, BLUE]
    words = {"red": ORANGE, "fox": ORANGE, "blue": BLUE, "whale": BLUE}
    for word, color in words.items():
        assert hue(view.word(word)) == color
        assert hue(view.bars.filter(has_text=word)) == color
    keys = view.root.locator(".gradeclip-hues i")
    assert [hue(key) for key in keys.all()] == [ORANGE, BLUE]


@pytest.mark.parametrize("width", [400, 900, 1100])
def test_names_are_inside_the_picture_and_do_not_overlap(view: View, width: int) -> None:
    view.page.set_viewport_size({"width": width, "height": 900})
    view.settle()
    stage = view.stage.bounding_box()
    assert stage is not None
    boxes = [chip.bounding_box() for chip in view.chips.all()]
    for box in boxes:
        assert box is not None
        assert stage["x"] <= box["x"]
        assert box["x"] + box["width"] <= stage["x"] + stage["width"]
        assert stage["y"] <= box["y"]
        assert box["y"] + box["height"] <= stage["y"] + stage["height"]
    fox, whale = boxes
    assert fox is not None
    assert whale is not None
    assert fox["x"] + fox["width"] < whale["x"]
    middle = (fox["x"] + fox["width"] / 2 - stage["x"]) / stage["width"]
    assert middle == pytest.approx(FOX[0], abs=0.15)


def test_a_click_on_a_name_selects_the_place_under_it(view: View) -> None:
    box = view.chips.first.bounding_box()
    assert box is not None
    view.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(view.leader).to_have_text("fox")


def test_names_have_enough_contrast_to_their_hues(view: View) -> None:
    view.page.evaluate(
        "document.querySelectorAll('.gradeclip-chips').forEach(e => e.removeAttribute('aria-hidden'))"
    )
    assert view.accessibility_violations() == []


def test_one_click_shows_the_map_of_the_whole_sentence(view: View) -> None:
    together = view.heat()
    view.root.get_by_text("Whole sentence", exact=True).click()
    view.heat_other_than(together)
    expect(view.root.locator(".gradeclip-who")).to_have_text("whole sentence")
    expect(view.chips.first).to_be_hidden()
    view.root.get_by_text("All words", exact=True).click()
    view.wait_for_heat(together)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", ["words", "unfolded", "region"])
def test_the_panel_is_accessible_and_has_enough_contrast(
    view: View, state: str, theme: Literal["light", "dark"]
) -> None:
    view.page.emulate_media(color_scheme=theme)
    expect(view.root).to_have_attribute("data-theme", theme)
    if state == "unfolded":
        view.root.locator(".gradeclip-fold").click()
    if state == "region":
        view.click_at(FOX)
    assert view.accessibility_violations() == []
    assert view.faint_texts() == []


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        if target.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not reach the element")


def test_help_opens_on_focus_and_closes_with_escape(view: View) -> None:
    view.open_settings()
    tab_to(view.page, view.root.get_by_role("radio", name="in the sentence"))
    expect(view.help).to_contain_text("within this sentence")
    view.page.keyboard.press("ArrowRight")
    expect(view.help).to_contain_text("by itself")
    view.settle()
    box, frame = view.help.bounding_box(), view.root.bounding_box()
    assert box is not None
    assert frame is not None
    assert frame["y"] <= box["y"]
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    view.page.keyboard.press("Escape")
    expect(view.help).to_be_hidden()


def test_the_help_of_a_bar_explains_its_number(view: View) -> None:
    view.bars.filter(has_text="whale").hover()
    expect(view.help).to_contain_text(re.compile(r"“whale” adds 0\.\d{3} to the score\."))
    expect(view.help).to_contain_text("Without “whale” the score would be 0.253.")
    view.click_at(WHALE)
    tab_to(view.page, view.bars.first.get_by_role("button"))
    expect(view.help).to_contain_text(
        re.compile(r"of the 0\.\d{3} that “whale” adds to the score lies in this region\.")
    )


def test_small_words_share_a_row_and_unfold_by_keyboard(view: View) -> None:
    expect(view.bars).to_have_count(4)
    fold = view.root.locator(".gradeclip-fold")
    expect(fold).to_have_text("3 small words")
    tab_to(view.page, fold)
    view.page.keyboard.press("Enter")
    expect(view.bars).to_have_count(7)
    expect(fold).to_be_focused()
    expect(fold).to_have_text("Show fewer")
    view.page.keyboard.press("Enter")
    expect(view.bars).to_have_count(4)


def test_the_picture_stays_in_view_while_a_long_panel_scrolls(
    open_page: OpenPage, tmp_path: Path
) -> None:
    view = opened(open_page, tmp_path, made_explanation(LONG_CAPTION))
    view.root.locator(".gradeclip-fold").click()
    view.settle()
    panel = view.root.locator(".gradeclip-panel")
    assert panel.evaluate("e => e.scrollHeight > e.clientHeight + 100"), "the panel scrolls"
    before = view.stage.bounding_box()
    panel.hover()
    view.page.mouse.wheel(0, 5000)
    expect(view.root.locator(".gradeclip-fold")).to_be_in_viewport()
    assert view.stage.bounding_box() == before
    expect(view.stage).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [700, 1100])
def test_there_is_no_gap_below_the_picture(open_page: OpenPage, tmp_path: Path, width: int) -> None:
    view = opened(open_page, tmp_path, made_explanation(LONG_CAPTION))
    view.page.set_viewport_size({"width": width, "height": 900})
    view.settle()
    legend, foot = (
        view.root.locator(name).bounding_box()
        for name in (".gradeclip-legend", ".gradeclip-details")
    )
    assert legend is not None
    assert foot is not None
    assert foot["y"] - (legend["y"] + legend["height"]) == pytest.approx(0, abs=2)


def test_equal_words_have_different_labels(open_page: OpenPage, tmp_path: Path) -> None:
    view = opened(open_page, tmp_path, made_explanation("a red fox beside a blue whale"))
    view.root.locator(".gradeclip-fold").click()
    for name in ("a (red)", "a (blue)"):
        expect(view.bars.get_by_text(name, exact=True).first).to_be_visible()
    expect(view.caption.get_by_role("button", name="a (blue)")).to_have_text("a")
