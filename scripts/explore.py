"""The story that the README's moving picture tells, played in the live widget in JupyterLab."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect

import gradeclip_widget as gw
from tests.browser.lab import Notebook, lab_server
from tests.browser.view import View

from .film import Film

# Of the window: the widget 900 pixels wide, all of it on show.
SIZE = ViewportSize(width=1060, height=1200)
SCENE = gw.demo.scenes()[0]
THING, SECOND, THIRD = (thing.name for thing in SCENE.objects)
WRONG = "tractor"  # what the first prompt calls the thing
OTHER = f"a photo of a {SECOND}"
EXPLORE = f"""
import gradeclip_widget as gw
scene = gw.demo.scenes()[0]
gw.explore(scene.image, scene.caption.replace({THING!r}, {WRONG!r}))
"""


def moving_picture(browser: Browser, path: Path) -> None:
    """Film the live widget.

    Args:
        browser: opens JupyterLab.
        path: of the animated WebP.
    """
    with tempfile.TemporaryDirectory() as home, lab_server(Path(home)) as lab:
        lab.write_notebook("film.ipynb")
        with Notebook.opened(browser, lab, "film.ipynb") as notebook:
            notebook.page.set_viewport_size(SIZE)
            notebook.run(EXPLORE)
            film = Film(View(notebook.page, notebook.cell()))
            for chapter in (read_words, change_a_word, ask_a_region, walk_the_layers, subtract):
                chapter(film, film.view)
            film.save(path)


def read_words(film: Film, view: View) -> None:
    """Point at words, and pin the wrong one."""
    film.hold(600)
    for word in (THIRD, SECOND):
        film.glide(view.word(word))
        film.hold(400)
    film.click(view.word(WRONG))
    expect(view.pinned).to_have_count(1)
    film.hold(500)


def change_a_word(film: Film, view: View) -> None:
    """Replace the pinned word where it stands."""
    film.click(view.button("Change this word"))
    film.hold(400)
    film.click(view.root.get_by_role("menuitem", name="Replace"))
    expect(view.field).to_be_focused()
    film.hold(250)
    film.type(THING, 250)
    view.field.press("Enter")
    expect(view.root.locator(".gradeclip-change")).to_be_visible()
    expect(view.word(THING)).to_be_enabled()
    expect(view.caption.locator(".is-pending")).to_have_count(0)
    film.hold(900)


def ask_a_region(film: Film, view: View) -> None:
    """Click the thing, ask the model what it sees there, and erase it."""
    x0, y0, x1, y1 = SCENE.objects[0].box
    width, height = SCENE.image.size
    low = 0.72  # of its height: between the wheels there is only air further up
    film.click(view.stage, ((x0 + x1) / 2 / width, (y0 + low * (y1 - y0)) / height))
    expect(view.leader).to_have_text(THING)
    film.hold(600)
    question = view.root.get_by_label("What does the model see here?")
    film.glide(question)
    question.select_option("demo")
    expect(view.root.locator(".gradeclip-seen li").first).to_be_visible()
    film.hold(900)
    film.click(view.root.get_by_text("Noise", exact=True))
    expect(view.root.locator(".gradeclip-fall")).to_have_text(re.compile("→"))
    film.hold(900)
    view.page.keyboard.press("Escape")


def walk_the_layers(film: Film, view: View) -> None:
    """Show how the map forms from block to block."""
    film.click(view.button("Steps inside the model"))
    block = view.root.get_by_label("Step on the text side")
    expect(block).to_be_visible()
    film.glide(block)
    block.focus()
    for key in ("Home", "ArrowRight", "End"):
        heat = view.heat()
        block.press(key)
        view.heat_other_than(heat)
        film.hold(300)
    film.click(view.button("Steps inside the model"))


def subtract(film: Film, view: View) -> None:
    """Compare with another prompt, and subtract it."""
    film.click(view.button("Compare with another prompt"))
    expect(view.field).to_be_focused()
    film.type(OTHER, 110)
    view.field.press("Enter")
    rows = view.root.get_by_role("radiogroup", name="Prompts").get_by_role("radio")
    expect(rows).to_have_count(2)
    expect(view.root.locator(".gradeclip-prompt.is-pending")).to_have_count(0)
    film.hold(600)
    heat = view.heat()
    film.click(view.button(f"Subtract “{OTHER}”"))
    view.heat_other_than(heat)
    film.hold(1300)
