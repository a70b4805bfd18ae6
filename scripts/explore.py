"""The moving picture of the README: a sequence of actions in the live widget in JupyterLab."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect

import gradeclip_widget as gw
from tests.browser.lab import Notebook, lab_server
from tests.browser.view import View

from .film import Film

# Size of the window: the widget is 900 pixels wide and completely visible.
SIZE = ViewportSize(width=1060, height=1200)
SCENE = gw.demo.scenes()[0]
THING, OTHER, LAST = (thing.name for thing in SCENE.objects)
ABSENT = "dog"
EXPLORE = """
import gradeclip_widget as gw
scene = gw.demo.scenes()[0]
first = gw.explore(scene.image, "a sun")  # a kernel's first call takes longer than the later ones
first.wait()
first.close()
widget = gw.explore(scene.image, scene.caption)
widget.wait()
widget
"""


def moving_picture(browser: Browser, path: Path) -> None:
    """Film the live widget; the film begins and ends with a true caption and an idle pointer.

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
            for chapter in (read_words, name_what_is_absent, ask_a_region, take_it_back):
                chapter(film, film.view)
            film.save(path)


def read_words(film: Film, view: View) -> None:
    """Point at words: names of things, and one that matters little."""
    expect(view.root.locator(".gradeclip-match")).to_contain_text("higher than")
    film.hold(1500)
    for word in (LAST, THING, "and"):
        film.glide(view.word(word))
        film.hold(700)


def name_what_is_absent(film: Film, view: View) -> None:
    """Replace a word by the name of an absent thing: it is marked, and its map shows what contradicts it."""
    film.click(view.word(OTHER))
    expect(view.pinned).to_have_count(1)
    film.hold(400)
    film.click(view.button("Change this word"))
    film.hold(400)
    film.click(view.root.get_by_role("menuitem", name="Replace"))
    expect(view.field).to_be_focused()
    film.hold(300)
    film.type(ABSENT, 400)
    view.field.press("Enter")
    expect(view.word(ABSENT)).to_have_class(re.compile("is-lowering"))
    expect(view.root.locator(".gradeclip-match")).to_contain_text(re.compile("better|higher"))
    film.click(
        view.root.locator(".gradeclip-score")
    )  # a place where a click only removes the focus
    expect(view.chips.locator("visible=true")).to_have_count(2)
    film.hold(1800)
    film.glide(view.word(ABSENT))
    film.hold(1000)


def ask_a_region(film: Film, view: View) -> None:
    """Draw a box around a thing that the caption no longer names, and ask what the model sees there."""
    x0, y0, x1, y1 = next(thing.box for thing in SCENE.objects if thing.name == OTHER)
    width, height = SCENE.image.size
    film.drag(view.stage, (x0 / width, y0 / height), (x1 / width, y1 / height))
    film.hold(900)
    question = view.root.get_by_label("What is in this region?")
    film.glide(question)
    question.select_option("demo")
    expect(view.root.locator(".gradeclip-seen li").first).to_contain_text(OTHER)
    film.hold(1600)


def take_it_back(film: Film, view: View) -> None:
    """Go back to the true caption, and clear the region."""
    film.click(view.button("Back"))
    expect(view.caption).to_have_text(SCENE.caption)
    expect(view.word(OTHER)).to_have_class(re.compile("is-hued"))
    film.hold(900)
    film.click(view.button("Clear the region"))
    expect(view.region).to_have_attribute("d", "")
    expect(view.chips.locator("visible=true")).to_have_count(3)
    film.rest()
    film.hold(2500)
