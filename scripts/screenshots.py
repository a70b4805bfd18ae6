"""Make the pictures of README and docs from real pages: `python -m scripts.screenshots [NAME ...]`.

The stills are of exported pages; the gallery and the moving picture are of live widgets in JupyterLab.
Names choose some of the pictures: ``stills``, ``steps``, ``howto``, ``wrong``, ``gallery``, ``moving``.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

import gradeclip_widget as gw
from tests.browser.chromium import launch
from tests.browser.view import View

from .explore import moving_picture
from .gallery import gallery_still

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images"
# A live explanation in the site, and the picture that other readers see: `docs/live_frames.py`.
LIVE = re.compile(r"<!-- live (\{.*\}) -->\n!\[[^]]*\]\(\.\./images/([\w-]+\.png)\)")
WIDE, NARROW = 980, 420  # pixels
SCALE = 1.5  # pixels of a picture per pixel of the page
ABSENT = "a bicycle, a dog and a tree"
RIGHT, WRONG = "a red circle and a blue square", "a red circle and a green square"
# What is the same for both captions, or needs an explanation, is hidden.
PLAIN = """:is(.gradeclip-footer, .gradeclip-details, .gradeclip-match, .gradeclip-hint)
  { display: none !important; }"""


@contextlib.contextmanager
def shown(
    browser: Browser,
    scene: gw.demo.Scene,
    width: int,
    theme: Literal["light", "dark"],
    caption: str = "",
) -> Iterator[View]:
    """A page of a scene that the embedded model has explained, with its own caption or another."""
    explainer = gw.Explainer(gw.load("demo"))
    explanation = explainer(scene.image, caption or scene.caption)
    explanation = explainer.with_unrelated_scores(explanation, scene.image)
    explanation = replace(explanation, seconds=None)  # the time depends on how busy this machine is
    with opened(browser, explanation.to_html(), width, theme) as view:
        yield view


@contextlib.contextmanager
def opened(
    browser: Browser, source: str, width: int, theme: Literal["light", "dark"]
) -> Iterator[View]:
    """A page in the browser."""
    size = ViewportSize(width=width, height=900)
    context = browser.new_context(viewport=size, color_scheme=theme, device_scale_factor=SCALE)
    with contextlib.closing(context):
        page = context.new_page()
        page.set_content(source)
        yield View(page, page)


def take(view: View, name: str) -> None:
    """Write a picture of a view."""
    view.root.screenshot(path=IMAGES / name, animations="disabled")
    print(f"{name}: {(IMAGES / name).stat().st_size / 1000:.0f} kB")


def stills(browser: Browser) -> None:
    """Take three pictures of exported pages: after opening, with a pinned word, with a region."""
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


def steps(browser: Browser) -> None:
    """Take the pictures of the page that reads one map step by step: one word's map, and a wrong word's."""
    scene = gw.demo.scenes()[0]
    with shown(browser, scene, WIDE, "light") as view:
        view.word("bicycle").click()
        view.look_away()
        take(view, "step-word.png")
    with shown(browser, scene, WIDE, "light", ABSENT) as view:
        take(view, "step-absent.png")


def howto(browser: Browser) -> None:
    """Take the pictures of the live explanations in the how-to pages, as their marks describe them."""
    scenes = gw.demo.scenes()
    for document in sorted(DOCS.glob("howto/*.md")):
        for mark, name in LIVE.findall(document.read_text(encoding="utf-8")):
            options = json.loads(mark)
            scene = scenes[options.pop("scene")]
            captions = options.pop("captions", scene.caption)
            del options["title"]
            widget = gw.explore(scene.image, captions, **options)
            widget.wait(300)
            with tempfile.TemporaryDirectory() as folder:
                source = widget.save_html(Path(folder, "page.html")).read_text(encoding="utf-8")
            with opened(browser, source, WIDE, "light") as view:
                take(view, name)


def right_beside_wrong(browser: Browser, path: Path) -> None:
    """Take a picture of two captions of one scene side by side: a true one, and one with a wrong color.

    Args:
        browser: opens the pages.
        path: of the PNG; it is transparent around the views.
    """
    shots = []
    for caption in (RIGHT, WRONG):
        with shown(browser, gw.demo.scenes()[4], NARROW, "light", caption) as view:
            png = view.root.screenshot(style=PLAIN, omit_background=True)
        shots.append(Image.open(io.BytesIO(png)))
    gap = round(16 * SCALE)
    width = sum(shot.width for shot in shots) + gap
    both = Image.new("RGBA", (width, max(shot.height for shot in shots)))
    for k, shot in enumerate(shots):
        both.paste(shot, (k * (width - shot.width), 0))
    both.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def main(names: list[str]) -> None:
    """Take the pictures that are named, or all."""
    takers: dict[str, Callable[[Browser], None]] = {
        "stills": stills,
        "steps": steps,
        "howto": howto,
        "wrong": lambda browser: right_beside_wrong(browser, IMAGES / "wrong-caption.png"),
        "gallery": lambda browser: gallery_still(browser, IMAGES / "gallery.webp"),
        "moving": lambda browser: moving_picture(browser, IMAGES / "explore.webp"),
    }
    if unknown := set(names) - set(takers):
        sys.exit(f"no pictures {sorted(unknown)}: use {', '.join(takers)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=30_000)  # the machine may be busy
    with sync_playwright() as playwright, contextlib.closing(launch(playwright)) as browser:
        for name in names or takers:
            takers[name](browser)


if __name__ == "__main__":
    main(sys.argv[1:])
