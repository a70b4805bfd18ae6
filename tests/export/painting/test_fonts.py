"""Words are written in a font that has their letters, if one is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont, features

from gradeclip_widget.export.lettering import draw_caption
from gradeclip_widget.export.painting import fonts
from gradeclip_widget.export.painting.fonts import drawable, font_for

from ...factories import make_explanation
from .conftest import DEJAVU

Install = Callable[..., None]


def name_of(font: fonts.Font) -> str | None:
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font.getname()[0]


OWN = name_of(ImageFont.load_default(12))


def test_pillows_font_is_used_if_it_has_the_letters(install: Install) -> None:
    install(DEJAVU)
    assert name_of(font_for(("a", "dog", "garçon"), 12)) == OWN


def test_an_installed_font_is_used_for_other_letters(tmp_path: Path, install: Install) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    install(tmp_path / "missing.ttf", broken, DEJAVU)
    font = font_for(("a", "щит"), 12)
    assert name_of(font) == "DejaVu Sans"
    assert drawable("щит", "word 2", font) == "щит"


def test_the_font_for_most_words_is_used_and_other_words_are_numbered(
    install: Install,
) -> None:
    install(DEJAVU)
    font = font_for(("щит", "狗"), 12)
    assert name_of(font) == "DejaVu Sans"
    assert drawable("狗", "word 2", font) == "word 2"
    assert name_of(font_for(("狗",), 12)) == OWN, "no other is better"


@pytest.mark.parametrize("text", ["كلب", "כלב"])
def test_words_from_right_to_left_are_numbered(text: str) -> None:
    font = ImageFont.truetype(str(DEJAVU), 12)
    assert len({bytes(font.getmask(letter)) for letter in text}) == 3
    assert drawable(text, "word 1", font) == "word 1"


@pytest.mark.parametrize(("raqm", "written"), [(True, "щ̂"), (False, "щ")])
def test_combining_letters_need_raqm(
    raqm: bool, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "check", lambda feature: raqm and feature == "raqm")
    assert drawable("щ̂", "word 1", ImageFont.truetype(str(DEJAVU), 12)) == written


def written(caption: str) -> tuple[float, bytes]:
    """The y below a drawn caption, and the picture."""
    image = Image.new("RGB", (500, 120), "white")
    below = draw_caption(ImageDraw.Draw(image), make_explanation(caption), [], (10, 0), 480, 20)
    return below, image.tobytes()


def test_a_caption_has_its_letters_or_a_note_on_numbers(
    install: Install,
) -> None:
    latin, _ = written("a dog here")
    install()
    numbered, picture = written("a щит here")
    assert picture != written("a word 2 here")[1], "a line says what the number is"
    assert numbered > latin
    install(DEJAVU)
    below, in_letters = written("a щит here")
    assert below == latin
    assert in_letters not in (picture, written("a щиты here")[1])


def test_cards_and_animations_have_the_captions_letters(
    install: Install,
) -> None:
    e = make_explanation("a щит here")
    install()
    numbered = e.to_png(), e.to_gif()
    install(DEJAVU)
    assert e.to_png() != numbered[0]
    assert e.to_gif() != numbered[1]
