"""Self-contained pages."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gradeclip_widget.export.html import frame, page
from gradeclip_widget.export.payload import to_payload

from ..factories import make_explanation
from .test_payload import twenty_words

HOSTILE = [
    "</script><img src=x onerror=alert(1)> dog",
    "<!--<script> dog",
    "]]> --> </title></style><svg onload=alert(1)> dog",
    "dog $title ${payloads} {{dog}} \\u003c",
    '"><b onmouseover=alert(1)>dog</b> \u2028',
]


class Page(HTMLParser):
    """The page as a browser reads it: its elements, and the text inside them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    @property
    def structure(self) -> list[str]:
        """The elements, without those of the table of words."""
        return [tag for tag in self.tags if tag not in ("tr", "td")]

    def handle_data(self, data: str) -> None:
        if self.tags and data.strip():
            self.text.setdefault(self.tags[-1], []).append(data)


PLAIN = Page(make_explanation("a dog").to_html())


def payloads(source: str) -> list[dict]:
    match = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', source, re.DOTALL)
    assert match
    return json.loads(match[1])


def test_the_page_contains_the_widgets_payload() -> None:
    e = make_explanation()
    (sent,) = payloads(e.to_html())
    assert sent["header"] == json.loads(json.dumps(to_payload(e)["header"]))
    assert base64.b64decode(sent["maps"]) == to_payload(e)["maps"]


def test_the_page_is_written_and_returned(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    text = make_explanation("狗 dog").to_html(path)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("caption", HOSTILE)
def test_markup_in_a_caption_adds_no_element_to_the_page(caption: str) -> None:
    e = make_explanation(caption)
    read = Page(e.to_html())
    assert read.structure == PLAIN.structure
    assert [name for name, _ in read.attributes] == [name for name, _ in PLAIN.attributes]
    assert html.unescape("".join(read.text["title"])) == caption
    assert payloads(e.to_html())[0]["header"]["caption"] == caption


@pytest.mark.parametrize("field", ["model", "method", "notes"])
def test_markup_in_other_texts_adds_no_element(field: str) -> None:
    text = HOSTILE[0]
    e = make_explanation("a dog", **{field: (text,) if field == "notes" else text})
    assert Page(e.to_html()).structure == PLAIN.structure


def test_a_page_may_have_a_title() -> None:
    read = Page(make_explanation().to_html(title="<b>Mine</b> & yours"))
    assert read.text["title"] == ["<b>Mine</b> & yours"]
    assert read.structure == PLAIN.structure


def test_the_page_makes_no_network_request() -> None:
    source = make_explanation().to_html()
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}
    assert set(re.findall(r"https?://[^\s\"'`)<>]+", source)) <= namespaces
    assert not re.search(r"@import|url\((?!['\"]?(data|blob|#))", source)
    assert not {"href", "srcset"} & {name for name, _ in PLAIN.attributes}
    assert all(
        value.startswith("data:") for name, value in PLAIN.attributes if name == "src" and value
    )
    assert not {"link", "iframe", "object"} & set(PLAIN.tags)


def test_the_page_has_a_picture_and_the_numbers_until_its_script_replaces_them() -> None:
    e = make_explanation(f"a dog {HOSTILE[0]}")
    body = e.to_html().partition("<body>")[2].partition("<script")[0]
    read = Page(body)
    assert read.tags.count("img") == 1
    cells = [text for tag in ("td", "p") for text in read.text[tag]]
    assert "A note." in cells
    for word, value in zip(e.words, e.word_importance, strict=True):
        assert word.text in cells
        assert f"{value:.3f}" in cells


def test_the_pages_policy_forbids_every_request() -> None:
    policy = next(v for k, v in PLAIN.attributes if k == "content" and v and "default-src" in v)
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_a_page_may_have_several_explanations() -> None:
    two = [make_explanation("a dog"), make_explanation("a cat")]
    assert [p["header"]["caption"] for p in payloads(page(two))] == ["a dog", "a cat"]


def test_a_page_without_explanations_raises() -> None:
    with pytest.raises(ValueError, match="at least one"):
        page([])


def test_the_frame_contains_the_page_and_allows_only_scripts() -> None:
    e = make_explanation(HOSTILE[0])
    outer = Page(frame([e]))
    assert outer.tags == ["div", "div", "iframe", "script"]
    attributes = dict(outer.attributes)
    assert attributes["sandbox"] == "allow-scripts"
    inner = Page(attributes["srcdoc"] or "")
    assert "img" not in inner.tags
    packed = re.search(r'id="packed">([^<]*)<', attributes["srcdoc"] or "")
    assert packed is not None
    source = gzip.decompress(base64.b64decode(packed[1])).decode("utf-8")
    (sent,), (whole,) = payloads(source), payloads(e.to_html())
    assert (sent["header"], sent["maps"]) == (whole["header"], whole["maps"])


def test_a_fragment_is_a_frame_with_a_title() -> None:
    one, other = make_explanation("a dog"), make_explanation("a cat")
    source = one.to_html(fragment=True) + other.to_html(fragment=True, title="<b>Mine</b>")
    read = Page(source)
    assert read.tags == 2 * ["div", "div", "div", "img", "p", "iframe", "script"]
    assert [value for name, value in read.attributes if name == "title"] == [
        "Grad-ECLIP explanation: a dog",
        "Grad-ECLIP explanation: <b>Mine</b>",
    ]
    assert "id" not in {name for name, _ in read.attributes}  # nothing that could occur twice


def test_a_fragment_is_written_to_its_path(tmp_path: Path) -> None:
    text = make_explanation().to_html(tmp_path / "part.html", fragment=True)
    assert (tmp_path / "part.html").read_text(encoding="utf-8") == text


def test_a_frame_is_small() -> None:
    """Every display of a widget carries one."""
    noise = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8)
    photo = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3))
    e = make_explanation(image=photo, cover=(0.0, 0.0, 1200.0, 900.0))
    assert len(frame([e])) < 110_000 < len(e.to_html())


def test_the_payload_of_a_page_is_small() -> None:
    e = twenty_words()
    source = e.to_html()
    (sent,) = payloads(source)
    # As base64, so four bytes for three.
    assert len(json.dumps(sent)) - len(sent["image"]) <= 96_000 * 4 / 3
    assert len(base64.b64decode(sent["maps"])) == (1 + 3 * 20) * 14 * 20 * 4


def test_the_page_is_the_same_every_time() -> None:
    assert make_explanation().to_html() == make_explanation().to_html()


def test_the_page_has_exact_numbers() -> None:
    e = make_explanation()
    (sent,) = payloads(e.to_html())
    values = np.frombuffer(base64.b64decode(sent["maps"]), "<f4")
    np.testing.assert_array_equal(values[:15], e.signed_map.ravel())
