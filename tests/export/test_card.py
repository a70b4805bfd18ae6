"""The card: a picture with its caption and bars."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw

from gradeclip_widget.export.card import DENSITY, resized
from gradeclip_widget.export.highlights import alt_text
from gradeclip_widget.export.lettering import Mark, caption_height, draw_caption
from gradeclip_widget.export.painting.overview import HUE_COLORS

from ..browser.made import made_explanation
from ..factories import make_explanation, picture, with_values
from ..golden.make import explanation_of_many

MADE = made_explanation()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def near(image: Image.Image, color: str) -> np.ndarray:
    """The pixels with nearly that color, (height, width)."""
    far = np.abs(np.asarray(image.convert("RGB"), int) - ImageColor.getrgb(color)).max(-1)
    return far < 12


def bars(image: Image.Image, color: str) -> int:
    """The longest run of one color in a row of the lower part, where the bars are."""
    rows = near(image, color)[round(0.65 * image.height) :]
    return int(rows.sum(1).max())


def test_a_card_is_white_and_has_a_description() -> None:
    image = opened(MADE.to_png())
    assert image.format == "PNG"
    assert image.getpixel((2, 2)) == (255, 255, 255)
    assert image.text["Description"] == alt_text(MADE)  # type: ignore[attr-defined]


def test_the_description_has_the_caption_the_score_and_the_places_of_words() -> None:
    text = alt_text(MADE)
    assert '"a red fox beside the blue whale", score 0.312' in text
    places = dict.fromkeys(("red fox", "blue whale"), "")
    for h in MADE.highlights():
        places[" ".join(MADE.words[w].text for w in h.words)] = f"{h.importance:.3f}"
    assert f'"red fox" {places["red fox"]} (at the middle left)' in text
    assert f'"blue whale" {places["blue whale"]} (at the middle right)' in text


def test_the_description_of_a_words_map_has_its_place() -> None:
    assert 'the model reads "whale"' in alt_text(MADE, "whale")
    assert alt_text(MADE, "whale").endswith("most at the middle right.")


def test_an_explanation_without_evidence_has_a_card() -> None:
    nothing = replace(MADE, left_out=None, interactions=-np.abs(MADE.interactions))
    assert alt_text(nothing).endswith("No word raises the score.")
    assert bars(opened(nothing.to_png()), HUE_COLORS[0]) == 0


def test_the_most_important_words_have_the_longest_bars_in_their_colors() -> None:
    image = opened(MADE.to_png())
    highlights = MADE.highlights()
    lengths = [bars(image, HUE_COLORS[h.hue]) for h in highlights if h.hue is not None]
    shares = [h.importance for h in highlights]
    assert np.argsort(lengths).tolist() == np.argsort(shares).tolist()
    assert min(lengths) / max(lengths) == pytest.approx(min(shares) / max(shares), abs=0.05)


def test_a_word_that_lowers_the_score_has_a_hatched_bar() -> None:
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


def test_the_file_has_one_and_a_half_pixels_per_pixel_of_width() -> None:
    e = replace(MADE, image=picture((1600, 800)), cover=(0.0, 0.0, 1600.0, 800.0))
    assert opened(e.to_png()).width == 1200
    assert opened(e.to_png(width=600)).width == 900


def test_the_card_of_a_tall_picture_fits_a_screen() -> None:
    e = replace(MADE, image=picture((100, 900)), cover=(0.0, 0.0, 100.0, 900.0))
    assert opened(e.to_png()).height < 1.5 * 800


def test_a_small_picture_is_painted_at_its_display_size() -> None:
    """Contours and names are then as sharp as on a large picture."""
    large, small = MADE, replace(MADE, image=MADE.image.resize((140, 100)), cover=(0, 0, 140, 100))
    one, other = (np.asarray(opened(e.to_png()), int) for e in (large, small))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 3


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"words": "cat"}, "cat"),
        ({"reading": "backwards", "words": "fox"}, "'backwards'"),
        ({"width": 100}, "width=100.*400"),
    ],
)
def test_wrong_options_raise(options: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        MADE.to_png(**options)
    with pytest.raises(ValueError, match=word):
        MADE.static(**options)


@pytest.mark.parametrize(
    "caption", ["狗", "(a) “dog”, running!", "a" * 300, " ".join(["dog"] * 60), "a dog's"]
)
def test_captions_stay_inside_the_card(caption: str) -> None:
    pixels = np.asarray(opened(make_explanation(caption).to_png(width=400)).convert("RGB"))
    assert pixels.shape[1] <= 600
    ink = np.flatnonzero((pixels < 255).any((0, 2)))
    assert 20 <= ink[0] < ink[-1] < pixels.shape[1] - 20, "the margins are white"


def test_a_reference_explanation_shows_the_papers_map() -> None:
    e = resized(replace(MADE, reference=True), (760, 500), DENSITY)
    x, y = 30, 30  # the margins
    card = opened(e.to_png()).convert("RGB")
    painted = e.overlay(caption_map=True)
    assert card.crop((x, y, x + painted.width, y + painted.height)).tobytes() == painted.tobytes()
    assert bars(card, HUE_COLORS[0]) == 0


def test_marks_do_not_move_words() -> None:
    e = explanation_of_many()

    def draw(marks: list[Mark]) -> tuple[float, Image.Image]:
        image = Image.new("RGB", (500, 200), "white")
        return draw_caption(ImageDraw.Draw(image), e, marks, (10, 0), 480, 20), image

    (plain, before), (marked, after) = draw([]), draw([Mark((1, 2), "#ffff00")])
    assert plain == marked
    ink = np.asarray(before.convert("L")) < 60
    assert (np.asarray(after.convert("L"))[ink] < 80).mean() > 0.95


def test_a_mark_does_not_cover_punctuation() -> None:
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


def test_a_caption_is_cut_off_in_the_line_of_the_last_word_that_was_read() -> None:
    """Three thousand words beyond the context take no more room than the rest of that line."""
    heights = []
    for more in ("", " and so on" * 9, " and so on" * 1000, " " + "x" * 12_000):
        e = make_explanation("a red fox beside the blue whale" + more)
        read = [replace(w, tokens=w.tokens if n < 7 else ()) for n, w in enumerate(e.words)]
        heights.append(caption_height(replace(e, words=tuple(read)), 300, 20))
    assert len(set(heights)) == 1


def test_a_word_of_thousands_of_letters_is_shortened() -> None:
    e = make_explanation("a red fox " + "x" * 12_000)
    for image in (opened(e.to_png()), opened(e.to_gif())):
        assert image.height < 4 * image.width
