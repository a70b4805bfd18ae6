"""The live widget in JupyterLab with a real kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

import gradeclip_widget as gw

from .conftest import OpenPage
from .lab import LabServer, Notebook
from .made import CAPTION, FOX, HOSTILE, WHALE, made_explanation
from .view import View

EXPLORE = """
scene = gw.demo.scenes()[0]
widget = gw.explore(scene.image, scene.caption)
widget
"""


def show(notebook: Notebook, code: str) -> View:
    notebook.run(code)
    return View(notebook.page, notebook.cell())


def test_explore_explains_a_picture_in_a_live_notebook(notebook: Notebook) -> None:
    view = show(notebook, EXPLORE)
    caption_map = view.heat()
    scene = gw.demo.scenes()[0]
    word = scene.objects[0].phrase.split()[-1]
    view.point_at_word(word)
    view.heat_other_than(caption_map)
    x0, y0, x1, y1 = scene.objects[0].box
    width, height = scene.image.size
    low = 0.72  # of its height: further up, a bicycle is mostly background
    view.click_at(((x0 + x1) / 2 / width, (y0 + low * (y1 - y0)) / height))
    expect(view.leader).to_have_text(word)


SLOW = """
import threading
from gradeclip_widget.widget.backend.backend import Backend
explain, go_on = Backend.explain, threading.Event()
Backend.explain = lambda *more: go_on.wait() and explain(*more)
widget = gw.explore(gw.demo.scenes()[0].image, "a sun and a dog")
widget
"""


def test_picture_and_prompt_are_shown_while_the_model_is_loaded(notebook: Notebook) -> None:
    notebook.run(SLOW)
    loading = notebook.cell().locator(".gradeclip-loading")
    expect(loading.locator(".gradeclip-caption")).to_have_text("a sun and a dog")
    expect(loading.locator("img")).to_have_js_property("naturalWidth", 448)
    loading.locator(".gradeclip-caption").dblclick()
    field = loading.locator("textarea")
    field.fill("a sun and a tree")
    field.press("Enter")
    notebook.expect("widget.prompt", "'a sun and a tree'")
    notebook.ask("go_on.set(); Backend.explain = explain")
    view = View(notebook.page, notebook.cell())
    expect(view.word("tree")).to_be_visible()
    expect(loading).to_have_count(0)
    static = (
        "[...document.querySelectorAll('.gradeclip-fallback')].map(one => one.innerHTML).join()"
    )
    notebook.page.wait_for_function(f"{static}.includes('<img')")


def test_python_sees_the_actions_in_the_view(notebook: Notebook) -> None:
    view = show(notebook, "widget = gw.show(made)\nwidget")
    view.word("fox").click()
    view.word("red").click(modifiers=["Shift"])
    view.click_at(WHALE)
    view.point_at_word("blue")
    expect(view.root.locator(".gradeclip-who")).to_have_text("blue whale")
    notebook.expect("widget.selected_words", "[1, 2]")
    notebook.expect("widget.hovered_word", "5")
    notebook.expect("widget.region", "{'kind': 'box', 'box': [400, 200, 440, 240]}")


def test_python_can_observe_a_selected_word(notebook: Notebook) -> None:
    view = show(
        notebook,
        "widget, seen = gw.show(made), []\n"
        "widget.observe(lambda change: seen.append(change['new']), 'selected_words')\n"
        "widget",
    )
    view.word("whale").click()
    expect(view.pinned).to_have_count(1)
    notebook.expect("seen", "[[6]]")


def test_the_view_shows_the_changes_made_in_python(notebook: Notebook) -> None:
    view = show(notebook, "widget = gw.show(made)\nwidget")
    notebook.ask(
        "widget.selected_words = [6]; widget.region = {'kind': 'box', 'box': [80, 120, 200, 280]}"
    )
    expect(view.pinned).to_have_text(["whale"])
    expect(view.leader).to_have_text("fox")


def test_two_views_of_one_widget_show_the_same(notebook: Notebook) -> None:
    notebook.run("widget = gw.show(made)\nwidget")
    notebook.run("widget")
    count = notebook.page.locator(".jp-CodeCell").count()
    first = View(notebook.page, notebook.cell(count - 2))
    second = View(notebook.page, notebook.cell(count - 1))
    first.word("whale").click()
    first.click_at(FOX)
    expect(second.pinned).to_have_text(["whale"])
    expect(second.leader).to_have_text("fox")
    first.look_away()
    first.settle()
    second.wait_for_heat(first.heat())


def test_reloading_the_page_shows_the_widget_again(notebook: Notebook) -> None:
    view = show(notebook, "widget = gw.show(made)\nwidget")
    resting = view.heat()
    view.word("whale").click()
    view.look_away()
    heat = view.heat_other_than(resting)
    notebook.expect("widget.selected_words", "[6]")
    notebook.save_and_reload()
    again = View(notebook.page, notebook.cell())
    expect(again.pinned).to_have_text(["whale"])
    again.wait_for_heat(heat)
    again.word("fox").click()
    expect(again.pinned).to_have_text(["fox"])
    notebook.expect("widget.selected_words", "[2]")


def test_a_view_shows_the_widget_where_the_shared_code_is_unknown(notebook: Notebook) -> None:
    """As in a window that was opened after the code was sent."""
    view = show(notebook, "widget = gw.show(made)\nwidget._shared_code.close()\nwidget")
    expect(view.caption).to_have_text(CAPTION)
    expect(view.root).to_have_count(1)


def test_an_empty_prompt_is_an_error_and_the_last_result_stays(notebook: Notebook) -> None:
    view = show(notebook, EXPLORE)
    heat = view.heat()
    notebook.ask("widget.prompt = ''")
    expect(view.error).to_be_visible()
    expect(view.error).to_contain_text("caption")
    assert view.heat() == heat
    notebook.expect("widget.status, widget.explanation.caption == scene.caption", "('error', True)")
    notebook.ask("widget.prompt = 'a photo of a ' + scene.objects[0].phrase")
    expect(view.error).to_be_hidden()
    view.heat_other_than(heat)


def test_a_caption_and_a_file_name_with_a_script_do_not_run_it(
    notebook: Notebook, lab: LabServer
) -> None:
    file = HOSTILE.replace("/", "") + ".png"
    made_explanation().image.save(lab.folder / file)
    view = show(notebook, f"hostile = gw.explore({file!r}, [{HOSTILE!r}, 'a fox'])\nhostile")
    expect(view.root.locator(".gradeclip-prompt-text")).to_have_text([HOSTILE, "a fox"])
    for word in view.caption.get_by_role("button").all():
        word.click()
    assert view.caption.text_content() == HOSTILE
    notebook.ask(f"hostile.error = {HOSTILE!r}")
    expect(view.error).to_have_text(HOSTILE)
    assert notebook.page.evaluate("window.hacked") is None
    assert view.root.locator("img:not(.gradeclip-image)").count() == 0


@pytest.fixture
def dark_lab(notebook: Notebook) -> Iterator[Notebook]:
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    yield notebook
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})


def test_the_widget_is_dark_in_a_dark_lab(dark_lab: Notebook) -> None:
    view = show(dark_lab, "gw.show(made)")
    expect(view.root).to_have_attribute("data-theme", "dark")
    assert view.faint_texts() == []
    dark_lab.command("apputils:change-theme", {"theme": "JupyterLab Light"})
    expect(view.root).to_have_attribute("data-theme", "light")
    assert view.faint_texts() == []


def test_keys_pressed_in_the_widget_do_not_edit_the_notebook(notebook: Notebook) -> None:
    view = show(notebook, "gw.show(made)")
    cells = notebook.page.locator(".jp-Cell").count()
    view.open_settings()
    parts = (view.word("fox"), view.stage, view.root.get_by_label("Heat colors"))
    for part in parts:
        part.focus()
        for key in ("a", "b", "x", "Enter"):  # in a notebook: insert above, insert below, cut, edit
            notebook.page.keyboard.press(key)
        expect(part).to_be_focused()
    assert notebook.page.locator(".jp-Cell").count() == cells
    saved = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
    assert not notebook.page.evaluate(saved)
    view.word("fox").press("Control+s")  # this key is for JupyterLab
    notebook.page.wait_for_function(saved)


@pytest.mark.parametrize("scrolled", [False, True])
def test_the_picture_stays_while_a_long_panel_scrolls(notebook: Notebook, scrolled: bool) -> None:
    view = show(notebook, "gw.show(gw.Explanation.load('long.npz'))")
    if scrolled:
        notebook.command("notebook:enable-output-scrolling")
        expect(notebook.cell()).to_have_class(re.compile("jp-mod-outputsScrolled"))
    view.root.locator(".gradeclip-fold").click()
    panel = view.root.locator(".gradeclip-panel")
    assert panel.evaluate("e => e.scrollHeight > e.clientHeight + 100"), "the panel scrolls"
    panel.evaluate("e => e.scrollTo(0, e.scrollHeight)")
    hint, stage = view.root.locator(".gradeclip-column > .gradeclip-hint"), view.stage
    hint.scroll_into_view_if_needed()
    expect(hint).to_be_in_viewport()
    expect(stage).to_be_in_viewport()
    figure, column = stage.bounding_box(), panel.bounding_box()
    assert figure is not None
    assert column is not None
    assert figure["y"] == pytest.approx(column["y"], abs=1), "both start at the same height"


def test_the_magic_explains_a_file(notebook: Notebook, lab: LabServer) -> None:
    scene = gw.demo.scenes()[0]
    scene.image.save(lab.folder / "photo.png")
    notebook.ask("%load_ext gradeclip_widget")
    view = show(notebook, "%gradeclip photo.png a dog and a car")
    expect(view.caption).to_have_text("a dog and a car")


def test_a_saved_notebook_converted_to_html_stays_interactive(
    notebook: Notebook, lab: LabServer, open_page: OpenPage, tmp_path: Path
) -> None:
    setting = "__import__('os').environ['GRADECLIP_FALLBACK']"
    notebook.ask(f"{setting} = 'page'")
    try:
        show(notebook, "gw.show(made)")
    finally:
        notebook.ask(f"del {setting}")
    notebook.command("docmanager:save")
    html, _ = HTMLExporter(template_name="basic").from_filename(lab.folder / notebook.name)
    (tmp_path / "converted.html").write_text(f"<!doctype html>{html}", encoding="utf-8")
    page = open_page(tmp_path / "converted.html")
    view = View(page, page.frame_locator("iframe"))
    caption_map = view.heat()
    view.point_at_word("fox")
    view.heat_other_than(caption_map)
    view.click_at(WHALE)
    expect(view.leader).to_have_text("whale")


def test_the_widget_requests_nothing_from_the_network(notebook: Notebook, lab: LabServer) -> None:
    requested: list[str] = []
    notebook.page.on("request", lambda request: requested.append(request.url))
    view = show(notebook, "gw.show(made)")
    view.word("fox").click()
    view.click_at(WHALE)
    expect(view.leader).to_have_text("whale")
    assert [url for url in requested if not url.startswith((lab.url, "data:", "blob:"))] == []
