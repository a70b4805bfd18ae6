"""Methods side by side, in a real JupyterLab and in an offline page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

import gradeclip_widget as gw

from .conftest import OpenPage
from .lab import Notebook
from .view import View

SCENE = gw.demo.scenes()[0]
THING = SCENE.objects[-1].name
METHODS = ["grad-eclip", "grad-cam", "self-attention"]


def heats(root: Locator) -> list[str]:
    """The pixels of every cell's heat map."""
    return list(
        root.locator(".gradeclip-cell canvas").evaluate_all(
            "canvases => canvases.map((canvas) => canvas.toDataURL())"
        )
    )


def expect_all_repainted(root: Locator, before: list[str]) -> None:
    """Wait until every cell's heat map has changed."""
    root.page.wait_for_function(
        "before => [...document.querySelectorAll('.gradeclip-cell canvas')]"
        ".every((canvas, k) => canvas.toDataURL() !== before[k])",
        arg=before,
    )
    assert len(heats(root)) == len(before)


def test_methods_are_compared_and_measured(notebook: Notebook) -> None:
    notebook.run(
        f"scene = gw.demo.scenes()[0]\nwidget = gw.explore(scene.image, {SCENE.caption!r})\nwidget"
    )
    view = View(notebook.page, notebook.cell())
    view.button("Compare methods").click()
    item = view.root.get_by_role("menuitemcheckbox", name=re.compile("^Grad-CAM"))
    item.hover()
    expect(view.root.locator(".gradeclip-menu-note")).to_contain_text("Cannot show:")
    item.click()
    view.root.get_by_role("menuitemcheckbox", name=re.compile("^Self-attention")).click()
    view.page.keyboard.press("Escape")
    cells = view.root.locator(".gradeclip-cell")
    expect(cells).to_have_count(3)
    expect(view.root.locator(".gradeclip-cell.is-empty")).to_have_count(0)
    expect(cells.locator("em")).to_have_text([re.compile(r"^\d+(\.\d\d)? s$")] * 3)
    before = heats(view.root)
    view.point_at_word(THING)
    expect_all_repainted(view.root, before)
    view.button("Deletion and insertion").click()
    curve = cells.nth(2).locator(".gradeclip-curve").last
    expect(curve).to_have_attribute("points", re.compile(r"^(\S+ ){10}\S+$"), timeout=30_000)
    expect(cells.nth(2).locator(".gradeclip-curves-key")).to_have_text(
        re.compile(r"^Deletion -?\d\.\d\d ?Insertion -?\d\.\d\d$")
    )
    view.button("Stop comparing").click()
    expect(cells).to_have_count(0)
    expect(view.stage).to_be_visible()
    notebook.expect("widget.wait(); widget.compare", "[]")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page saved from a widget that compares methods and has measured them."""
    widget = gw.explore(SCENE.image, SCENE.caption, compare=METHODS, curves=True)
    widget.wait(60)
    return widget.save_html(tmp_path_factory.mktemp("saved") / "page.html")


def test_a_saved_page_compares_methods(open_page: OpenPage, saved: Path) -> None:
    page = open_page(saved)
    root = page.locator(".gradeclip")
    expect(root.locator(".gradeclip-cell")).to_have_count(3)
    expect(root.locator(".gradeclip-curve.is-deletion")).to_have_count(3)
    before = heats(root)
    root.locator(".gradeclip-caption").get_by_role("button", name=THING, exact=True).hover()
    expect_all_repainted(root, before)
    root.get_by_role("button", name="Compare methods").click()
    expect(root.get_by_role("menuitemcheckbox")).to_have_count(3)
    root.get_by_role("menuitemcheckbox", name="Grad-CAM").click()
    expect(root.locator(".gradeclip-cell")).to_have_count(2)
    # The view is shorter now, and cuts what is outside of it.
    menu, frame = root.get_by_role("menu").bounding_box(), root.bounding_box()
    assert menu is not None
    assert frame is not None
    assert menu["y"] + menu["height"] <= frame["y"] + frame["height"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_comparison_is_accessible_and_has_enough_contrast(
    open_page: OpenPage, saved: Path, theme: str
) -> None:
    page = open_page(saved)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    view = View(page, page)
    expect(view.root).to_have_attribute("data-theme", theme)
    assert view.accessibility_violations() == []
    assert view.faint_texts() == []
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
