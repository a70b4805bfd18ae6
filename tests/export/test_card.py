"""The picture that explains itself."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw

from gradeclip_widget.export.highlights import alt_text
from gradeclip_widget.export.lettering import Mark, draw_caption
from gradeclip_widget.export.painting.overview import HUE_COLORS

from ..browser.made import made_explanation
from ..factories import make_explanation, picture, with_values
from ..golden.make import explanation_of_many

MADE = made_explanation()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def near(image: Image.Image, color: str) -> np.ndarray:
    """Which pixels are of nearly that color, (height, width)."""
    far = np.abs(np.asarray(image.convert("RGB"), int) - ImageColor.getrgb(color)).max(-1)
    return far < 12


def bars(image: Image.Image, color: str) -> int:
    """The longest run of one color in a row of the lower part, where the bars are."""
    rows = near(image, color)[round(0.65 * image.height) :]
    return int(rows.sum(1).max())


def test_a_card_is_on_white_and_says_in_words_what_it_shows() -> None:
    image = opened(MADE.to_png())
    assert image.format == "PNG"
    assert image.getpixel((2, 2)) == (255, 255, 255)
    assert image.text["Description"] == alt_text(MADE)  # type: ignore[attr-defined]


def test_the_description_names_the_caption_the_score_the_words_and_where_they_are_read() -> None:
    text = alt_text(MADE)
    assert '"a red fox beside the blue whale", score 0.312' in text
    places = dict.fromkeys(("red fox", "blue whale"), "")
    for h in MADE.highlights():
        places[" ".join(MADE.words[w].text for w in h.words)] = f"{h.importance:.3f}"
    assert f'"red fox" {places["red fox"]} (at the middle left)' in text
    assert f'"blue whale" {places["blue whale"]} (at the middle right)' in text


def test_the_description_of_one_words_map_says_where_it_is_read_most() -> None:
    assert 'the model reads "whale"' in alt_text(MADE, "whale")
    assert alt_text(MADE, "whale").endswith("most at the middle right.")


def test_the_description_says_that_there_is_no_evidence() -> None:
    nothing = replace(MADE, left_out=None, interactions=-np.abs(MADE.interactions))
    assert alt_text(nothing).endswith("No word raises the score.")
    assert opened(nothing.to_png()).width > 0


def test_the_most_important_words_have_the_longest_bars_in_their_colors() -> None:
    image = opened(MADE.to_png())
    found = MADE.highlights()
    lengths = [bars(image, HUE_COLORS[h.hue]) for h in found if h.hue is not None]
    shares = [h.importance for h in found]
    assert np.argsort(lengths).tolist() == np.argsort(shares).tolist()
    assert min(lengths) / max(lengths) == pytest.approx(min(shares) / max(shares), abs=0.05)


def test_a_word_that_lowers_the_score_is_hatched_and_named() -> None:
    e = with_values(MADE, [0.01, 0.2, -0.1, 0.01, 0.01, 0.01, 0.01])
    against, raising = "#6a3d9a", HUE_COLORS[0]
    image = opened(e.to_png())
    assert bars(image, against) > 0.3 * bars(image, raising)
    assert 0.05 < filled(image, against) < 0.8
    assert 'Words that lower it: "fox" -0.100.' in alt_text(e)
    assert bars(opened(MADE.to_png()), against) == 0


def filled(image: Image.Image, color: str) -> float:
    """The part of the box around a bar that has its color."""
    same = near(image, color)[round(0.65 * image.height) :]
    rows, columns = np.flatnonzero(same.any(1)), np.flatnonzero(same.any(0))
    return float(same[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean())


def test_a_word_has_its_own_card() -> None:
    all_words, whale = MADE.to_png(), MADE.to_png(None, "whale")
    assert whale != all_words
    assert whale != MADE.to_png(None, "fox")


def test_a_card_is_as_wide_as_asked_with_one_and_a_half_pixels_for_each() -> None:
    e = replace(MADE, image=picture((1600, 800)), cover=(0.0, 0.0, 1600.0, 800.0))
    assert opened(e.to_png()).width == 1200
    assert opened(e.to_png(width=600)).width == 900


def test_a_tall_picture_makes_a_card_that_fits_a_screen() -> None:
    e = replace(MADE, image=picture((100, 900)), cover=(0.0, 0.0, 100.0, 900.0))
    assert opened(e.to_png()).height < 1.5 * 800


def test_a_small_picture_is_painted_at_the_size_at_which_it_is_shown() -> None:
    """Contours and names are then as sharp as on a large picture."""
    large, small = MADE, replace(MADE, image=MADE.image.resize((140, 100)), cover=(0, 0, 140, 100))
    one, other = (np.asarray(opened(e.to_png()), int) for e in (large, small))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"words": "cat"}, "cat"),
        ({"reading": "backwards", "words": "fox"}, "no reading 'backwards'"),
        ({"width": 100}, "width=100: give at least 400 pixels"),
    ],
)
def test_what_cannot_be_shown_is_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MADE.to_png(**options)
    with pytest.raises(ValueError, match=said):
        MADE.static(**options)


@pytest.mark.parametrize(
    "caption", ["狗", "(a) “dog”, running!", "a" * 300, " ".join(["dog"] * 60), "a dog's"]
)
def test_captions_of_all_kinds_fit(caption: str) -> None:
    assert opened(make_explanation(caption).to_png(width=400)).width <= 600


def test_a_reference_explanation_shows_the_papers_map() -> None:
    assert opened(make_explanation(reference=True).to_png()).width > 0


def test_marks_of_the_caption_move_no_word() -> None:
    e = explanation_of_many()

    def drawn(marks: list[Mark]) -> tuple[float, Image.Image]:
        image = Image.new("RGB", (500, 200), "white")
        return draw_caption(ImageDraw.Draw(image), e, marks, (10, 0), 480, 20), image

    (plain, before), (marked, after) = drawn([]), drawn([Mark((1, 2), "#ffff00")])
    assert plain == marked
    ink = np.asarray(before.convert("L")) < 60
    assert (np.asarray(after.convert("L"))[ink] < 80).mean() > 0.95


def test_a_mark_leaves_the_punctuation_out() -> None:
    def right_of_mark(caption: str) -> int:
        image = Image.new("RGB", (300, 60), "white")
        mark = Mark((0,), "#ffff00")
        draw_caption(ImageDraw.Draw(image), make_explanation(caption), [mark], (20, 0), 260, 30)
        red, green, blue = (np.asarray(image, int)[..., channel] for channel in range(3))
        return int(np.flatnonzero(((red > 200) & (green > 200) & (blue < 60)).any(0)).max())

    assert right_of_mark("dog") - right_of_mark("dog, a") >= 4


def test_the_file_is_what_is_returned(tmp_path: Path) -> None:
    data = MADE.to_png(tmp_path / "card.png")
    assert (tmp_path / "card.png").read_bytes() == data
