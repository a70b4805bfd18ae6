"""The self-contained page, opened from disk with the network off (`open_page` fails on any request)."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

import gradeclip_widget as gw
from gradeclip_widget.core.regions import Region

from .conftest import OpenPage
from .made import FOX, HOSTILE, WHALE, made_explanation
from .view import View


@pytest.fixture
def page(open_page: OpenPage, tmp_path: Path) -> Page:
    made_explanation().to_html(tmp_path / "made.html")
    return open_page(tmp_path / "made.html")


def test_page_of_the_demo_explains_with_the_network_off(
    open_page: OpenPage, tmp_path: Path
) -> None:
    scene = gw.demo.scenes()[0]
    explanation = gw.Explainer(gw.load("demo"))(scene.image, scene.caption)
    explanation.to_html(tmp_path / "demo.html")
    page = open_page(tmp_path / "demo.html")
    view = View(page, page)
    caption_map = view.heat()
    view.point_at_word(explanation.words[-1].text)
    view.heat_other_than(caption_map)
    thing = scene.objects[0]
    x0, y0, x1, y1 = thing.box
    (width, height) = scene.image.size
    view.drag((x0 / width, y0 / height), (x1 / width, y1 / height))
    expect(view.bars.first).to_have_attribute("data-index", _leading(explanation, thing.box))
    place = ((x0 + x1) / 2, (y0 + y1) / 2)
    view.click_at((place[0] / width, place[1] / height))
    region = explanation.thing_at(*place)
    expect(view.region).to_have_attribute("d", re.compile(r"^M.*Q.*Z$"))  # rounded corners
    expect(view.bars.first).to_have_attribute("data-index", _leading(explanation, region))
    view.click_at((place[0] / width, place[1] / height))
    expect(view.region).to_have_attribute(
        "d", re.compile(r"^M[\d.]+ [\d.]+H.*V.*H.*Z$")
    )  # the patch


def _leading(explanation: gw.Explanation, region: Region) -> str:
    """Return the index of the first word of a region."""
    ranked = explanation.region_words(region)
    least = 0.1 * max(abs(word.value) for word in ranked)  # words below that are folded
    return str(next(word.index for word in ranked if abs(word.value) >= least))


def test_bars_and_legend_show_the_numbers_of_python(open_page: OpenPage, tmp_path: Path) -> None:
    scene = gw.demo.scenes()[0]
    e = gw.Explainer(gw.load("demo"))(scene.image, "a tree, a dog and a banana")
    e.to_html(tmp_path / "page.html")
    page = open_page(tmp_path / "page.html")
    view = View(page, page)
    table = e.to_frame().set_index("word")["importance"]
    signs = set()
    for bar in view.bars.all():
        word = bar.locator("bdi").inner_text()
        assert number(bar.locator("em").first) == pytest.approx(table[word], abs=6e-4)
        view.point_at_word(word)
        view.settle()
        ends = [
            number(end) for end in view.root.locator(".gradeclip-scale .gradeclip-number").all()
        ]
        top = np.abs(e.word_evidence("in caption")).max()
        assert ends == pytest.approx([0, np.copysign(top, table[word])], rel=0.01)
        signs.add(np.sign(table[word]))
    assert signs == {-1, 1}


def number(element: Locator) -> float:
    """The number that an element shows."""
    return float(element.inner_text().replace("−", "-"))


def test_a_widget_saves_the_same_page(open_page: OpenPage, tmp_path: Path) -> None:
    saved = gw.show(made_explanation()).save_html(tmp_path / "saved.html")
    view = View(page := open_page(saved), page)
    view.click_at(WHALE)
    expect(view.leader).to_have_text("whale")


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    view = View(page, page)
    caption_map = view.heat()
    while not view.stage.evaluate("stage => stage === document.activeElement"):
        page.keyboard.press("Tab")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(view.leader).to_have_text("fox")
    while not view.word("a").evaluate("word => word === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(view.word("fox")).to_be_focused()
    view.heat_other_than(caption_map)
    page.keyboard.press("Enter")
    expect(view.pinned).to_have_text(["fox"])
    page.keyboard.press("Escape")
    expect(view.pinned).to_have_count(0)
    expect(view.region).to_have_attribute("d", "")


def test_shift_and_arrow_keys_enlarge_a_box(page: Page) -> None:
    view = View(page, page)
    view.stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expect(view.region).to_have_attribute("d", "M280 200H360V280H280Z")


def test_a_narrow_page_has_the_panel_below_the_picture(page: Page) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    view = View(page, page)
    view.settle()
    stage, caption = view.stage.bounding_box(), view.caption.bounding_box()
    assert stage is not None
    assert caption is not None
    assert caption["y"] > stage["y"] + stage["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no part is cut off"


def test_the_page_follows_the_systems_dark_theme(page: Page) -> None:
    view = View(page, page)
    expect(view.root).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(view.root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_have_enough_contrast(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    view = View(page, page)
    expect(view.root).to_have_attribute("data-theme", theme)
    assert view.faint_texts() == []
    view.word("fox").click()
    view.drag((0.1, 0.2), (0.9, 0.9))
    expect(view.pinned).to_have_count(1)
    assert view.faint_texts() == []


def test_a_caption_and_a_title_with_a_script_do_not_run_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    explanation = made_explanation(HOSTILE)
    explanation.to_html(tmp_path / "hostile.html", title=HOSTILE)
    page = open_page(tmp_path / "hostile.html")
    view = View(page, page)
    for word in view.caption.get_by_role("button").all():
        word.click()
    view.click_at(FOX)
    expect(view.leader).to_have_text("fox")
    assert view.caption.inner_text() == HOSTILE
    assert page.title() == HOSTILE
    assert page.evaluate("window.hacked") is None
    assert page.locator("img:not(.gradeclip-image)").count() == 0


def test_an_explanation_is_interactive_without_a_kernel(
    open_page: OpenPage, tmp_path: Path
) -> None:
    html = made_explanation()._repr_html_()
    (tmp_path / "book.html").write_text(f"<!doctype html><div>{html}</div>", encoding="utf-8")
    page = open_page(tmp_path / "book.html")
    view = View(page, page.frame_locator("iframe"))
    view.click_at(WHALE)
    expect(view.leader).to_have_text("whale")


@pytest.mark.parametrize("policy", [None, "script-src 'self'"])
def test_where_scripts_are_forbidden_the_picture_and_numbers_remain(
    chromium: Browser, policy: str | None
) -> None:
    e = made_explanation()
    sources = {"page": e.to_html()}
    if policy:  # without a policy, Playwright lets scripts of the frame run
        sources["fragment"] = f'<!doctype html><meta charset="utf-8">{e.to_html(fragment=True)}'
    headers = {"Content-Type": "text/html"}
    if policy:
        headers["Content-Security-Policy"] = policy
    context = chromium.new_context(java_script_enabled=policy is not None)
    with contextlib.closing(context):
        page = context.new_page()

        def answer(route: Route) -> None:
            route.fulfill(body=sources[route.request.url.rpartition("/")[2]], headers=headers)

        page.route("http://host.test/*", answer)
        for name in sources:
            page.goto(f"http://host.test/{name}")
            expect(page.get_by_text(f"score {e.score:.3f}").first).to_be_visible()
            picture = page.get_by_role("img", name=f'"{e.caption}"')
            expect(picture).to_be_visible()
            pixels = (
                Image.open(io.BytesIO(picture.screenshot(animations="disabled")))
                .convert("L")
                .getextrema()
            )
            assert pixels[1] - pixels[0] > 100, "a frame covers the picture"
