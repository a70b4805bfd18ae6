"""Contours as vectors."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gradeclip_widget.export.painting.overview import HUE_COLORS
from gradeclip_widget.export.svg import contour_lines, is_closed, smooth_path

from ..browser.made import made_explanation
from ..factories import make_explanation

MADE = made_explanation()
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}href"
HOSTILE = '</svg><script>alert("1")</script> & dog'


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def strokes(root: ElementTree.Element) -> dict[str, list[list[float]]]:
    """The points of the paths by color."""
    return {
        path.get("stroke", ""): np.array(
            re.findall(r"[\d.]+", path.get("d", "")), float
        ).reshape(-1, 2).tolist()
        for path in root.iter(f"{SVG}path")
    }  # fmt: skip


def test_every_word_that_counts_has_a_contour_around_its_object_in_its_color() -> None:
    points = strokes(parsed(MADE.to_svg()))
    fox, whale = (h for h in MADE.highlights() if h.hue is not None)
    for highlight, (left, right) in ((fox, (60, 220)), (whale, (340, 500))):
        assert highlight.hue is not None
        x, y = np.array(points[HUE_COLORS[highlight.hue]]).T
        assert left <= x.min() < x.max() <= right
        assert 100 <= y.min() < y.max() <= 300


def test_every_word_is_named_as_text_that_can_be_edited() -> None:
    texts = [text.text for text in parsed(MADE.to_svg()).iter(f"{SVG}text")]
    assert texts == ["red fox", "blue whale"]


def test_a_higher_level_is_a_smaller_contour() -> None:
    root = parsed(MADE.to_svg(words=["whale"], level=0.5))
    assert [t.text for t in root.iter(f"{SVG}text")] == ["whale"]
    color = HUE_COLORS[1]  # the word's own, as among all words
    inner = strokes(parsed(MADE.to_svg(words=["whale"], level=0.9)))[color]
    assert np.ptp(inner, 0).prod() < np.ptp(strokes(root)[color], 0).prod()


def test_the_drawing_has_a_title_and_a_description() -> None:
    root = parsed(MADE.to_svg())
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == MADE.caption
    assert '"blue whale"' in (root.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize(("photo", "kind"), [(True, "JPEG"), (False, "PNG")])
def test_the_picture_is_embedded_in_a_format_that_drawing_programs_read(
    photo: bool, kind: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*MADE.image.size[::-1], 3), np.uint8)
    shot = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    e = replace(MADE, image=shot) if photo else MADE
    url = next(parsed(e.to_svg()).iter(f"{SVG}image")).get(XLINK) or ""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        assert (image.format, image.size) == (kind, e.image.size)


def test_markup_in_a_caption_stays_text() -> None:
    root = parsed(make_explanation(HOSTILE).to_svg())
    assert root.findtext(f"{SVG}title") == HOSTILE
    assert not list(root.iter(f"{SVG}script"))


def test_characters_that_xml_lacks_are_replaced() -> None:
    root = parsed(make_explanation("a dog\0\x1b and \ufffe a car").to_svg())
    assert root.findtext(f"{SVG}title") == "a dog\ufffd\ufffd and \ufffd a car"


def test_without_evidence_the_drawing_has_only_the_picture() -> None:
    nothing = replace(MADE, left_out=None, interactions=-np.abs(MADE.interactions))
    root = parsed(nothing.to_svg())
    assert len(list(root.iter(f"{SVG}image"))) == 1
    assert not list(root.iter(f"{SVG}path"))


@pytest.mark.parametrize("level", [0, 1, -0.5, 2])
def test_a_level_outside_the_map_raises(level: float) -> None:
    with pytest.raises(ValueError, match=f"level={level}.*fraction"):
        MADE.to_svg(level=level)


def test_contours_inside_are_closed_and_others_end_at_the_border() -> None:
    (fox, whale) = contour_lines(MADE, MADE.highlights(), 0.5)
    assert all(is_closed(line) for line in fox + whale)
    corner = np.zeros_like(MADE.interactions)
    corner[:, :4, :4] = 1
    e = replace(MADE, interactions=corner, left_out=None)
    (line,) = contour_lines(e, e.highlights()[:1], 0.5)[0]
    assert not is_closed(line)
    assert {float(line[0].min()), float(line[-1].min())} == {0.0}


def test_a_path_runs_through_the_midpoints_of_edges() -> None:
    """As in the front end, so that both draw the same curve."""
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]], float)
    assert smooth_path([square]) == (
        "M1.00 0.00Q2.00 0.00 2.00 1.00Q2.00 2.00 1.00 2.00Q0.00 2.00 0.00 1.00Q0.00 0.00 1.00 0.00Z"
    )
    assert smooth_path([square[:3]]) == "M0.00 0.00Q2.00 0.00 2.00 1.00L2.00 2.00"


def test_the_file_is_what_is_returned_and_what_save_writes(tmp_path: Path) -> None:
    text = MADE.to_svg(tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_text(encoding="utf-8") == text
    assert MADE.save(tmp_path / "other.svg").read_text(encoding="utf-8") == text
