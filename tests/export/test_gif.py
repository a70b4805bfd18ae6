"""The animation of the words."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gradeclip_widget.export.highlights import alt_text

from ..browser.made import made_explanation

MADE = made_explanation()


def frames_of(data: bytes) -> list[tuple[Image.Image, int]]:
    """Every frame and its duration in thousandths of a second."""
    animation = Image.open(io.BytesIO(data))
    assert animation.format == "GIF"
    return [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(animation)]


def warmest_side(frame: Image.Image) -> str:
    """The side of the picture on which the map is warm."""
    red, _, blue = np.moveaxis(np.asarray(frame, float)[: frame.height // 2], -1, 0)
    warm = np.maximum(red - blue, 0)
    middle = frame.width // 2
    return "left" if warm[:, :middle].sum() > warm[:, middle:].sum() else "right"


def test_the_first_frame_has_all_words_then_each_has_one() -> None:
    frames = frames_of(MADE.to_gif())
    assert len(frames) == 1 + len(MADE.highlights())
    assert [d for _, d in frames] == [2240, *([1400] * (len(frames) - 1))]
    assert len({f.size for f, _ in frames}) == 1


def test_each_frame_shows_the_map_of_its_word() -> None:
    gray = replace(MADE, image=Image.new("RGB", MADE.image.size, "#808080"))
    _, (fox, _), (whale, _) = frames_of(gray.to_gif(words=["fox", "whale"]))
    assert (warmest_side(fox), warmest_side(whale)) == ("left", "right")


def test_an_animation_may_show_one_phrase() -> None:
    assert len(frames_of(MADE.to_gif(words="red fox"))) == 2


def test_the_animation_has_its_time_and_width() -> None:
    frames = frames_of(MADE.to_gif(width=400, seconds=0.5))
    assert frames[0][0].width == 400
    assert frames[1][1] == 500


def test_the_animation_repeats_and_has_a_description() -> None:
    animation = Image.open(io.BytesIO(MADE.to_gif()))
    assert animation.info["loop"] == 0
    assert animation.info["comment"].decode() == alt_text(MADE)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"words": []}, r"words=\[\]: give at least one word"),
        ({"words": ["cat"]}, "cat"),
        ({"width": 10}, "width=10: give at least 400"),
        ({"seconds": 0}, "seconds=0: give 0.1 to 60"),
    ],
)
def test_wrong_options_raise(options: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        MADE.to_gif(**options)


def test_the_file_is_what_is_returned_and_what_save_writes(tmp_path: Path) -> None:
    data = MADE.to_gif(tmp_path / "one.gif")
    assert (tmp_path / "one.gif").read_bytes() == data
    assert MADE.save(tmp_path / "other.gif").read_bytes() == data
