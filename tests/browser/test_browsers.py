"""A chosen list in Firefox and WebKit: an exported page, a live notebook, the gallery; all on a dark system.

The other tests of this folder run in Chromium.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from ..widget.gallery_run import write_pairs
from .browsers import NAMES, AnyPage, dark_page
from .lab import KERNEL_TIMEOUT, LabServer, Notebook
from .made import WHALE, made_explanation
from .view import FAINT_TEXTS, Point

# The last view of the page, or what is in it.
ROOT = "[...document.querySelectorAll('.gradeclip')].at(-1)"


class Seen:
    """What a person does with the last view of a page, and what they see, in any browser."""

    def __init__(self, page: AnyPage) -> None:
        self.page = page

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Return the value of a function of the view's root and `arg`."""
        return self.page.evaluate(f"(arg) => ({expression})({ROOT}, arg)", arg)

    def wait(self, expression: str, arg: Any = None, *, timeout: float = 30_000) -> None:
        """Wait until a function of the view's root and `arg` is true; `timeout` in milliseconds."""
        self.page.wait_for_function(
            f"(arg) => ({expression})({ROOT}, arg)", arg=arg, timeout=timeout
        )

    def wait_for_explanation(self) -> None:
        """Wait until the view shows an explanation and nothing is being computed."""
        shown = "(root) => root?.querySelector('.is-word') != null && root.ariaBusy === 'false'"
        self.wait(shown, timeout=KERNEL_TIMEOUT)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(self.evaluate("(root, at) => root.querySelector(at).textContent", selector))

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until an element has this text."""
        self.wait(
            "(root, [at, text]) => root.querySelector(at)?.textContent === text", [selector, text]
        )

    def heat(self) -> str:
        """The heat map's pixels."""
        return str(self.evaluate("(root) => root.querySelector('.gradeclip-heat').toDataURL()"))

    def wait_for_heat(self, heat: str, *, other: bool = False) -> None:
        """Wait until the heat map equals this one, or is another one."""
        self.wait(
            "(root, [heat, same]) => (root.querySelector('.gradeclip-heat').toDataURL() === heat) === same",
            [heat, not other],
        )

    def move(self, selector: str, at: Point = (0.5, 0.5)) -> None:
        """Move the pointer to a place of an element; again, if a host has moved the view meanwhile."""
        place = """(root, [selector, x, y]) => {
          const element = root.querySelector(selector);
          element.scrollIntoView({ block: "nearest" });
          const { left, top, width, height } = element.getBoundingClientRect();
          return [left + x * width, top + y * height];
        }"""
        # WebKit's driver returns before the page has seen the move, and a press would overtake it.
        reached = """(root, selector) => new Promise((done) => requestAnimationFrame(() =>
          requestAnimationFrame(() => done(root.querySelector(selector).matches(":hover")))))"""
        for _ in range(10):
            self.page.mouse.move(*self.evaluate(place, [selector, *at]))
            if self.evaluate(reached, selector):
                return
        raise AssertionError(f"the pointer does not reach {selector}")

    def click(self, selector: str, at: Point = (0.5, 0.5)) -> None:
        """Click a place of an element."""
        self.move(selector, at)
        self.page.mouse.down()
        self.page.mouse.up()

    def drag(self, *path: Point) -> None:
        """Drag over the picture from point to point."""
        for k, point in enumerate(path):
            self.move(".gradeclip-stage", point)
            if k == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def wait_for_region(self, *corners: float) -> None:
        """Wait until the region's outline has these coordinates, in image pixels."""
        self.wait(
            """(root, corners) => {
              const path = root.querySelector(".gradeclip-region").getAttribute("d");
              const numbers = (path.match(/[\\d.]+/g) ?? []).map(Number);
              return numbers.length === corners.length
                && numbers.every((value, k) => Math.abs(value - corners[k]) <= 2);
            }""",
            corners,
        )

    def check_theme(self, theme: str) -> None:
        """Wait until the view has a theme, and check that its texts can be read."""
        self.wait("(root, theme) => root.dataset.theme === theme", theme)
        assert self.evaluate(FAINT_TEXTS) == []


def word(index: int) -> str:
    """The selector of a word of the caption."""
    return f".gradeclip-word[data-index='{index}']"


@pytest.fixture(scope="module", params=NAMES)
def page(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[AnyPage]:
    """A page of the browser."""
    with dark_page(playwright, request.param) as page:
        yield page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an exported page."""
    path = tmp_path_factory.mktemp("page") / "made.html"
    made_explanation().to_html(path)
    return path.as_uri()


@pytest.fixture
def view(page: AnyPage, file: str) -> Seen:
    """The exported page, newly opened."""
    page.mouse.move(1, 1)
    page.goto(file)
    seen = Seen(page)
    seen.wait_for_explanation()
    return seen


def test_hovering_and_clicking_a_word_paint_its_map(view: Seen) -> None:
    view.check_theme("dark")
    together = view.heat()
    view.move(word(2))
    view.wait_for_heat(together, other=True)
    view.page.mouse.move(1, 1)
    view.wait_for_heat(together)
    view.click(word(6))
    view.wait("(root) => root.querySelector('.gradeclip-who').textContent === 'whale'")
    view.check_theme("dark")


def test_a_click_a_box_and_a_lasso_select_a_region(view: Seen) -> None:
    leader = ".gradeclip-bar-word > bdi"
    view.click(".gradeclip-stage", WHALE)
    view.wait_for_text(leader, "whale")
    view.drag((0.1, 0.2), (0.3, 0.4), (0.4, 0.8))
    view.wait_for_text(leader, "fox")
    view.wait_for_region(56, 80, 224, 320, 56)
    view.page.keyboard.press("Escape")
    view.page.keyboard.down("Alt")
    view.drag((0.6, 0.2), (0.95, 0.3), (0.95, 0.8), (0.6, 0.8))
    view.page.keyboard.up("Alt")
    view.wait_for_text(leader, "whale")
    view.wait_for_region(336, 80, 532, 120, 532, 320, 336, 320)


def test_words_and_patches_are_chosen_by_keyboard(view: Seen) -> None:
    keyboard = view.page.keyboard
    together = view.heat()
    view.evaluate("(root) => root.querySelector('.gradeclip-stage').focus()")
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        keyboard.press(key)
    view.wait_for_region(280, 200, 360, 280, 280)
    keyboard.press("Escape")
    view.evaluate("(root, word) => root.querySelector(word).focus()", word(0))
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    view.wait_for_heat(together, other=True)
    keyboard.press("Enter")
    view.wait_for_text("[aria-pressed=true].gradeclip-word", "fox")
    assert view.evaluate("() => document.activeElement.textContent") == "fox", "the focus stays"


@pytest.fixture(scope="module")
def notebook(page: AnyPage, lab: LabServer, shared_kernel: Notebook) -> Notebook:
    """The notebook that the other tests have open in Chromium, with the same kernel."""
    page.goto(f"{lab.url}/doc/tree/{shared_kernel.name}")
    notebook = Notebook(page, shared_kernel.name)
    notebook.wait_for_kernel()
    notebook.clear()
    return notebook


def test_a_live_notebook_explains_and_hears_of_every_action(notebook: Notebook) -> None:
    notebook.run(
        "scene = gw.demo.scenes()[0]\nwidget = gw.explore(scene.image, 'a bicycle')\nwidget"
    )
    view, keyboard = Seen(notebook.page), notebook.page.keyboard
    view.wait_for_explanation()
    view.check_theme("light")
    together = view.heat()
    view.move(word(1))
    view.wait_for_heat(together, other=True)
    view.click(word(1))
    notebook.expect("widget.selected_words", "[1]")
    keyboard.press("F2")
    keyboard.type(" and a sun")
    keyboard.press("Enter")
    notebook.expect("widget.explanation.caption", "'a bicycle and a sun'")
    view.wait_for_text(".gradeclip-caption", "a bicycle and a sun")
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    view.check_theme("dark")
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})


def test_the_gallery_shows_sorts_and_opens_pairs(notebook: Notebook, tmp_path: Path) -> None:
    run = write_pairs(tmp_path / "run", 300)
    notebook.run(f"gallery = gw.browse({str(run)!r})\ngallery")
    view, keyboard = Seen(notebook.page), notebook.page.keyboard
    filled = "(root) => root.querySelector('.gallery-grid')?.ariaBusy === 'false'"
    view.wait(filled)
    first = view.text(".gallery-tile")
    view.move(".gallery-tile")
    view.wait("(root) => !root.querySelector('.gallery-card').hidden")
    notebook.ask("gallery.sort = 'score'")
    view.wait("(root, first) => root.querySelector('.gallery-tile').textContent !== first", first)
    view.wait(filled)
    view.evaluate("(root) => root.querySelector('.gallery-grid').focus()")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    view.wait_for_text(".gallery-where", "2 of 300")
    notebook.expect("gallery.selected is not None", "True")
