"""Chips: where they lie and what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gradeclip_widget.export.painting.chips import Chip, draw_chips, find_room

from .conftest import DEJAVU
from .pixels import count_of, pixels

chances = st.integers(0, 2**32 - 1)


def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(chances)
def test_chips_lie_inside_the_picture_and_overlap_no_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bounds = tuple(int(v) for v in rng.integers(40, 300, 2))
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(8):
        size = int(rng.integers(10, 60)), int(rng.integers(8, 24))
        place = tuple(float(v) for v in rng.uniform(0, 1, 2) * bounds)
        box = find_room(place, size, bounds, taken)  # type: ignore[arg-type]
        if box is None:
            continue
        x0, y0, x1, y1 = box
        assert (x1 - x0, y1 - y0) == size
        assert x0 >= 0 <= y0
        assert x1 <= bounds[0]
        assert y1 <= bounds[1]
        assert not any(overlap(box, other) for other in taken)
        taken.append(box)


def test_a_chip_is_at_its_place_if_it_is_free() -> None:
    assert find_room((100, 50), (40, 20), (200, 100), []) == (80, 40, 120, 60)


def test_a_chip_in_a_corner_is_moved_inside() -> None:
    box = find_room((0, 0), (40, 20), (200, 100), [])
    assert box is not None
    assert box[:2] == (2, 2)
    box = find_room((200, 100), (40, 20), (200, 100), [])
    assert box is not None
    assert box[2:] == (198, 98)


def test_a_chip_that_overlaps_another_moves_to_the_nearest_side() -> None:
    box = find_room((100, 55), (40, 20), (200, 100), [(80, 40, 120, 60)])
    assert box is not None
    assert 62 <= box[1] <= 68
    assert abs(box[0] - 80) <= 5


def test_a_chip_avoids_the_place_of_another() -> None:
    box = find_room((100, 50), (40, 20), (200, 100), [], [(110, 50)])
    assert box is not None
    assert not (box[0] <= 110 <= box[2] and box[1] <= 50 <= box[3])


@pytest.mark.parametrize("bounds", [(30, 100), (100, 15), (1, 1)])
def test_a_chip_larger_than_the_picture_has_no_room(bounds: tuple[int, int]) -> None:
    assert find_room((10, 10), (40, 20), bounds, []) is None


def chip(text: str, **changes: Any) -> Chip:
    values: dict[str, Any] = {
        "otherwise": "word 7",
        "place": (150.0, 60.0),
        "color": "#E69F00",
        "priority": 1.0,
    }
    return Chip(text, **values | changes)


def drawn(text: str) -> bytes:
    return draw_chips(Image.new("RGB", (300, 120)), [chip(text)]).tobytes()


def test_a_chip_shows_its_word() -> None:
    assert drawn("dog") != drawn("cat")
    ink = pixels(draw_chips(Image.new("RGB", (300, 120), "white"), [chip("dog")]))
    assert (ink.sum(-1) < 120).sum() > 50


@pytest.mark.parametrize("text", ["狗", "🐶", "كلب", "щ", "a 狗"])
def test_a_word_whose_letters_no_font_has_is_replaced_by_its_number(
    text: str, install: Callable[..., None]
) -> None:
    install()
    assert drawn(text) == drawn("word 7")


def test_a_chip_is_written_in_an_installed_font_that_has_the_letters(
    install: Callable[..., None],
) -> None:
    install(DEJAVU)
    assert drawn("щ") not in (drawn("word 7"), drawn("ж"))


def test_accents_that_the_font_lacks_are_left_out() -> None:
    assert drawn("garçon") == drawn("garcon") != drawn("word 7")


def test_the_more_important_word_is_placed_first() -> None:
    blank = Image.new("RGB", (300, 120))
    much, little = chip("dog", priority=2.0), chip("cat", color="#56B4E9")
    both = draw_chips(blank, [little, much])
    assert both.tobytes() == draw_chips(blank, [much, little]).tobytes()
    orange = count_of(both, "#E69F00")
    assert orange == pytest.approx(count_of(draw_chips(blank, [much]), "#E69F00"), rel=0.02)


def test_drawing_chips_does_not_change_the_original() -> None:
    blank = Image.new("RGB", (300, 120))
    draw_chips(blank, [chip("dog")])
    assert not np.asarray(blank).any()
