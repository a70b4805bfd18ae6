"""Cell outputs that are a picture everywhere, and interactive where scripts run."""

from __future__ import annotations

import base64
import contextlib
import html
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

import gradeclip_widget as gw

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
    assert [tag for tag, _ in left] == ["div", "div", "div", "img", "p", "script"]
    attributes = left[3][1]
    assert attributes["alt"] == DATA["text/plain"]
    assert picture_of(attributes["src"] or "").size == picture_of("," + DATA["image/png"]).size


def test_markup_in_a_caption_adds_no_element() -> None:
    e = made_explanation('"><script>alert(1)</script><b>fox</b> dog')
    source = e.static()._repr_mimebundle_()[0]["text/html"]
    tags = [tag for tag, _ in Elements(source).elements]
    assert tags == ["div", "div", "div", "img", "p", "iframe", "script"]


@pytest.mark.parametrize("show", [lambda: MADE, MADE.static, lambda: gw.show(MADE)])
def test_without_frames_scripts_styles_and_pictures_the_numbers_remain(show: Any) -> None:
    data = show()._repr_mimebundle_()[0]
    assert picture_of("," + data["image/png"]).width >= 540
    removed = re.compile(r"<(iframe|script|style)\b.*?</\1>|<img[^>]*>", re.DOTALL)
    text = html.unescape(re.sub("<[^>]*>", "", removed.sub("", data["text/html"])))
    assert MADE.caption in text
    assert f"score {MADE.score:.3f}" in text
    for word in MADE.highlights()[0].words:
        assert f"{MADE.words[word].text} {MADE.word_importance[word]:+.3f}" in text


@pytest.mark.parametrize("show", [lambda: MADE, lambda: gw.show(MADE)])
def test_a_setting_leaves_out_the_html(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For hosts that hide every output with HTML; nbconvert's ``sanitize_html`` prints its source."""
    monkeypatch.setenv("GRADECLIP_FALLBACK", "png")
    data, metadata = show()._repr_mimebundle_()
    assert "text/html" not in data
    body, _ = HTMLExporter(sanitize_html=True).from_notebook_node(notebook(data, metadata))
    pictures = [a["src"] or "" for tag, a in Elements(body).elements if tag == "img"]
    assert [url[:14] for url in pictures] == ["data:image/png"]


def test_the_display_of_an_explanation_is_small() -> None:
    data, metadata = MADE._repr_mimebundle_()
    assert set(data) == set(DATA)
    assert data["text/plain"] == DATA["text/plain"]
    assert MADE._repr_html_() == data["text/html"]
    assert base64.b64encode(MADE._repr_png_()).decode() == data["image/png"]
    assert metadata["image/png"]["width"] == 540
    assert len(data["image/png"]) < 0.6 * len(DATA["image/png"])


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
    both = both.replace("<script>", "<template>").replace("</script>", "</template>")
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
    path.write_text(e.static().to_html().partition("<script>")[0], encoding="utf-8")
    assert picture_of("," + base64.b64encode(e.to_png()).decode()).height > 1.5 * 740
    with contextlib.closing(chromium.new_page()) as page:
        page.goto(path.as_uri())
        page.wait_for_function("document.images[0].complete && document.images[0].height > 0")
        line, frame = (page.locator(s).bounding_box() for s in ("p", "iframe"))
        assert line is not None
        assert frame is not None
        assert line["y"] + line["height"] <= frame["y"] + frame["height"]


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
@pytest.mark.parametrize("width", [1000, 500])
def test_a_frame_has_the_height_of_its_page_or_about_that_where_the_host_forbids_scripts(
    chromium: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "mine.html"
    fragment = MADE.to_html(fragment=True)
    heights = []
    for source in (fragment, fragment.partition("<script>")[0]):
        path.write_text(f'<!doctype html><meta charset="utf-8">{source}', encoding="utf-8")
        with contextlib.closing(
            chromium.new_page(viewport={"width": width, "height": 600})
        ) as page:
            page.goto(path.as_uri())
            View(page, page.frame_locator("iframe"))
            if source == fragment:
                page.frames[1].wait_for_function(
                    "innerHeight === document.documentElement.offsetHeight"
                )
                assert not page.locator("img").is_visible()
            heights.append(page.locator("iframe").evaluate("frame => frame.offsetHeight"))
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


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
