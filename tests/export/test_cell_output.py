"""Cell outputs that are a picture everywhere, and interactive where scripts run."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter, LatexExporter
from PIL import Image
from playwright.sync_api import Browser, expect

from ..browser.made import FOX, WHALE, made_explanation
from ..browser.view import View
from ..factories import picture
from ..golden.make import explanation_of_many

MADE = made_explanation()
DATA, METADATA = MADE.static()._repr_mimebundle_()
WITHOUT_FRAMES = re.compile(r"<iframe.*?</iframe>", re.DOTALL)


class Elements(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def notebook(data: dict[str, str], metadata: dict[str, Any]) -> Any:
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("e", outputs=[output])])
    return nbformat.reads(json.dumps(made), as_version=4)


def picture_of(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_the_output_has_a_picture_a_page_and_a_description() -> None:
    assert set(DATA) == {"image/png", "text/html", "text/plain"}
    assert base64.b64decode(DATA["image/png"]) == MADE.to_png()
    assert DATA["text/plain"] == repr(MADE.static())
    with Image.open(io.BytesIO(base64.b64decode(DATA["image/png"]))) as image:
        width = METADATA["image/png"]["width"]
        assert image.width == pytest.approx(1.5 * width, abs=1)
    assert METADATA["image/png"]["alt"] == DATA["text/plain"]


def test_without_frames_the_picture_and_its_description_remain() -> None:
    """As on GitHub, and in JupyterLab for an untrusted notebook."""
    left = Elements(WITHOUT_FRAMES.sub("", DATA["text/html"])).elements
    assert [tag for tag, _ in left] == ["div", "img"]
    attributes = left[1][1]
    assert attributes["alt"] == DATA["text/plain"]
    assert picture_of(attributes["src"] or "").size == picture_of("," + DATA["image/png"]).size


def test_markup_in_a_caption_adds_no_element() -> None:
    e = made_explanation('"><script>alert(1)</script><b>fox</b> dog')
    source = e.static()._repr_mimebundle_()[0]["text/html"]
    assert [tag for tag, _ in Elements(source).elements] == ["div", "img", "iframe"]


def test_latex_uses_the_picture() -> None:
    body, resources = LatexExporter().from_notebook_node(notebook(DATA, METADATA))
    (name,) = resources["outputs"]
    assert resources["outputs"][name] == MADE.to_png()
    assert name in body


def test_nbconverts_page_has_the_picture_with_its_description_and_the_frame() -> None:
    body, _ = HTMLExporter().from_notebook_node(notebook(DATA, METADATA))
    assert "No description has been provided for this image" not in body
    elements = Elements(body).elements
    assert [a["alt"] for tag, a in elements if tag == "img"] == [DATA["text/plain"]]
    assert [tag for tag, _ in elements].count("iframe") == 1


def test_the_word_of_the_picture_is_pinned_in_the_page() -> None:
    assert DATA["text/html"] != MADE.static("whale").to_html()
    assert "whale" in repr(MADE.static("whale"))


@pytest.mark.browser
def test_the_frame_covers_the_picture_where_scripts_run(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "book.html"
    both = DATA["text/html"] + MADE.static("whale").to_html()
    path.write_text(f'<!doctype html><meta charset="utf-8">{both}', encoding="utf-8")
    with contextlib.closing(chromium.new_page()) as page:
        page.goto(path.as_uri())
        view = View(page, page.frame_locator("iframe").first)
        view.click_at(WHALE)
        expect(view.leader).to_have_text("whale")
        on_top = "img => document.elementFromPoint(img.x + 20, img.y + 20).tagName"
        page.evaluate("scrollTo(0, 0)")
        assert page.locator("img").first.evaluate(on_top) == "IFRAME"
        pinned = View(page, page.frame_locator("iframe").last).pinned
        expect(pinned).to_have_text(["whale"])


@pytest.mark.browser
def test_a_tall_card_is_no_higher_than_the_frame(chromium: Browser, tmp_path: Path) -> None:
    e = replace(explanation_of_many(), image=picture((300, 300)), cover=(0.0, 0.0, 300.0, 300.0))
    path = tmp_path / "book.html"
    path.write_text(e.static().to_html(), encoding="utf-8")
    assert picture_of("," + base64.b64encode(e.to_png()).decode()).height > 1.5 * 740
    with contextlib.closing(chromium.new_page()) as page:
        page.goto(path.as_uri())
        page.wait_for_function("document.images[0].complete && document.images[0].height > 0")
        image, frame = (page.locator(s).bounding_box() for s in ("img", "iframe"))
        assert image is not None
        assert frame is not None
        assert image["height"] <= frame["height"]


@pytest.mark.browser
def test_the_picture_is_visible_if_the_frame_may_not_run_scripts(
    chromium: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "book.html"
    source = DATA["text/html"]
    for name, text in (("bare", WITHOUT_FRAMES.sub("", source)), ("quiet", source)):
        quiet = text.replace("allow-scripts", "")
        path.write_text(f'<!doctype html><meta charset="utf-8">{quiet}', encoding="utf-8")
        with contextlib.closing(chromium.new_page()) as page:
            page.goto(path.as_uri())
            page.wait_for_function("document.images[0].complete")
            shot = page.locator("img").screenshot(path=tmp_path / f"{name}.png")
            assert shot
    bare, quiet_shot = (Image.open(tmp_path / f"{name}.png") for name in ("bare", "quiet"))
    assert bare.tobytes() == quiet_shot.tobytes()


@pytest.mark.browser
def test_a_page_may_have_two_fragments(chromium: Browser, tmp_path: Path) -> None:
    one, other = MADE.to_html(fragment=True), made_explanation("a fox").to_html(fragment=True)
    path = tmp_path / "mine.html"
    path.write_text(f'<!doctype html><meta charset="utf-8">{one}{other}', encoding="utf-8")
    with contextlib.closing(chromium.new_page()) as page:
        page.goto(path.as_uri())
        first, second = (View(page, page.frame_locator("iframe").nth(n)) for n in (0, 1))
        first.word("whale").click()
        expect(first.pinned).to_have_text(["whale"])
        expect(second.pinned).to_have_count(0)
        # Chromium does not draw frames outside the viewport.
        page.locator("iframe").last.scroll_into_view_if_needed()
        second.click_at(FOX)
        expect(second.leader).to_have_text("fox")
        expect(first.pinned).to_have_text(["whale"])
