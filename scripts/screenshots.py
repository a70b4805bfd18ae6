"""Makes the README's pictures from real pages: `python -m scripts.screenshots`.

The stills are of exported pages, that of the gallery and the moving picture of live widgets in JupyterLab.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

import gradeclip_widget as gw
from tests.browser.chromium import launch
from tests.browser.view import View

from .explore import moving_picture
from .gallery import gallery_still

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDE, NARROW = 980, 420  # pixels


@contextlib.contextmanager
def shown(
    browser: Browser, scene: gw.demo.Scene, width: int, theme: Literal["light", "dark"]
) -> Iterator[View]:
    """A scene explained by the embedded model in a page of its own."""
    explanation = gw.Explainer(gw.load("demo"))(scene.image, scene.caption)
    size = ViewportSize(width=width, height=900)
    context = browser.new_context(viewport=size, color_scheme=theme, device_scale_factor=1.5)
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(context):
        file = Path(folder, "page.html")
        explanation.to_html(file)
        page = context.new_page()
        page.goto(file.as_uri())
        yield View(page, page)


def take(view: View, name: str) -> None:
    """Write a picture of a view."""
    view.root.screenshot(path=IMAGES / name)
    print(f"{name}: {(IMAGES / name).stat().st_size / 1000:.0f} kB")


def stills(browser: Browser) -> None:
    """Take three pictures of exported pages: as it opens, with a word pinned, with a region."""
    scenes = gw.demo.scenes()
    with shown(browser, scenes[0], WIDE, "light") as view:
        take(view, "widget-light.png")
    with shown(browser, scenes[1], WIDE, "dark") as view:
        view.word(scenes[1].objects[0].name).click()
        view.look_away()
        take(view, "widget-dark.png")
    scene = scenes[4]
    thing = scene.objects[-1]
    width, height = scene.image.size
    x0, y0, x1, y1 = thing.box
    with shown(browser, scene, NARROW, "light") as view:
        view.drag((x0 / width, y0 / height), (x1 / width, y1 / height))
        view.look_away()
        take(view, "widget-narrow.png")


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, contextlib.closing(launch(playwright)) as browser:
        stills(browser)
        gallery_still(browser, IMAGES / "gallery.webp")
        moving_picture(browser, IMAGES / "explore.webp")


if __name__ == "__main__":
    main()
