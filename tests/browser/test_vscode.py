"""The live widget and the gallery in VS Code's renderer of widgets, with a real kernel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import gradeclip_widget as gw

from ..widget.gallery_run import write_pairs
from .hosts import vscode
from .lab import Notebook
from .view import FAINT_TEXTS, View

RGB = {"#1f1f1f": "rgb(31, 31, 31)", "#ffffff": "rgb(255, 255, 255)", "#000000": "rgb(0, 0, 0)"}


@pytest.fixture(scope="module")
def page(chromium: Browser, shared_kernel: Notebook) -> Iterator[Page]:
    with vscode.webview(chromium, shared_kernel) as page:
        yield page
    shared_kernel.clear()


def show(page: Page, code: str) -> View:
    vscode.show(page, code)
    return View(page, page)


def test_a_live_view_follows_python_and_tells_it_every_action(
    page: Page, shared_kernel: Notebook
) -> None:
    view = show(
        page,
        "scene = gw.demo.scenes()[0]\n"
        "widget = gw.explore(scene.image, 'a bicycle')\n"
        "display(widget)",
    )
    together = view.heat()
    view.point_at_word("bicycle")
    view.heat_other_than(together)
    view.word("bicycle").click()
    shared_kernel.expect("widget.selected_words", "[1]")
    view.edit("a bicycle and a sun")
    expect(view.word("sun")).to_be_visible()
    shared_kernel.expect("widget.explanation.caption", "'a bicycle and a sun'")
    picture = io.BytesIO()
    gw.demo.scenes()[1].image.save(picture, "PNG")
    file = {"name": "other.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    view.root.locator("input[type=file]").set_input_files(file)
    expect(view.root.locator(".gradeclip-thumb")).to_have_count(2)


@pytest.mark.parametrize("theme", vscode.THEMES)
def test_every_theme_gives_the_ground_and_enough_contrast(page: Page, theme: str) -> None:
    vscode.choose(page, theme)
    view = show(page, "display(gw.show(made))")
    kind = "light" if theme.endswith("light") else "dark"
    expect(view.root).to_have_attribute("data-theme", kind)
    expect(view.root).to_have_css("background-color", RGB[vscode.THEMES[theme][0]])
    assert view.faint_texts() == []
    view.word("fox").click()
    view.drag((0.1, 0.2), (0.9, 0.9))
    assert view.faint_texts() == []


def test_the_gallery_exchanges_messages_and_has_every_theme(page: Page, tmp_path: Path) -> None:
    run = write_pairs(tmp_path / "run", 60)
    vscode.show(page, f"display(gw.browse({str(run)!r}))")
    grid = page.locator(".gallery-grid")
    expect(grid).to_have_attribute("aria-busy", "false")
    expect(grid.locator(".gallery-tile:visible").first).to_contain_text("a red dog number 0")
    root = page.locator(".gradeclip-gallery")
    for theme, (ground, *_) in vscode.THEMES.items():
        vscode.choose(page, theme)
        expect(root).to_have_css("background-color", RGB[ground])
        assert root.evaluate(FAINT_TEXTS) == []


def test_keys_for_the_view_do_not_reach_vs_code(page: Page) -> None:
    view = show(page, "display(gw.show(made))")
    page.evaluate("window.keys.length = 0")
    view.word("fox").focus()
    for key in ("ArrowRight", "ArrowLeft", "Enter", "b"):
        page.keyboard.press(key)
    expect(view.pinned).to_have_text(["fox"])
    expect(view.word("fox")).to_be_focused()
    page.keyboard.press("Escape")
    view.stage.focus()
    for key in ("ArrowUp", "ArrowUp", "Enter", "d", "d"):
        page.keyboard.press(key)
    view.open_settings()
    view.root.get_by_role("slider").first.press("ArrowUp")
    assert page.evaluate("window.keys") == []
    page.keyboard.press("Control+s")
    assert page.evaluate("window.keys") == ["Control", "s"]
