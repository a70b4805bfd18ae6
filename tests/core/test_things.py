"""The thing around a patch, and its region."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gradeclip_widget.core.evidence import Highlight, find_places
from gradeclip_widget.core.regions import coverage
from gradeclip_widget.core.things import find_things, thing_around, thing_region

from ..factories import COVER, SIZE, make_explanation

# Two things on a ground; the one on the left has a hole.
PLAN = np.array(
    [
        list("........"),
        list("aaa....."),
        list("a.a.bb.."),
        list("aaa.bb.."),
        list("........"),
    ]
)
GRID = PLAN.shape
NONE = np.full(GRID, -1)  # the places of no words


def features(seed: int = 0) -> NDArray[np.float32]:
    """Rows of the plan's patches: a direction for each letter, and a little noise."""
    rng = np.random.default_rng(seed)
    directions = {letter: rng.normal(size=64) for letter in ".ab"}
    rows = [directions[letter] + 0.1 * rng.normal(size=64) for letter in PLAN.ravel()]
    return np.array(rows, np.float32)


def around(row: int, col: int, *several: NDArray[np.float32]) -> NDArray[np.bool_]:
    return thing_around(find_things(several or [features()], GRID), row * GRID[1] + col, NONE)


@pytest.mark.parametrize(("place", "letter"), [((1, 0), "a"), ((3, 2), "a"), ((2, 4), "b")])
def test_every_patch_of_a_thing_gives_the_whole_thing(place: tuple[int, int], letter: str) -> None:
    np.testing.assert_array_equal(around(*place), letter == PLAN)


def test_the_ground_ends_at_things() -> None:
    outside, inside = around(0, 0), around(2, 1)
    assert not (outside & (PLAN != ".")).any()
    assert np.argwhere(inside).tolist() == [[2, 1]], "the hole is not connected with the rest"


def test_a_common_part_of_all_patches_and_the_units_do_not_matter() -> None:
    np.testing.assert_array_equal(around(1, 1, 1000 + features()), around(1, 1))
    np.testing.assert_array_equal(around(1, 1, features(), 1e4 * features(1)), PLAN == "a")


def test_a_uniform_picture_is_one_thing() -> None:
    assert around(2, 2, np.ones((PLAN.size, 4), np.float32)).all()


@given(st.integers(0, 2**15 - 1), st.integers(0, 14))
def test_the_region_of_a_thing_covers_its_patches_and_no_others(bits: int, patch: int) -> None:
    grid = (3, 5)
    chosen = np.array([bits >> k & 1 for k in range(15)], bool)
    rows = np.where(chosen, 1.0, -1.0)[:, None] * np.ones((1, 2))
    things = find_things([rows.astype(np.float32)], grid)
    inside = thing_around(things, patch, np.full(grid, -1))
    region = thing_region(inside, COVER)
    np.testing.assert_array_equal(coverage(region, SIZE, grid, COVER), inside)


def places_of(*maps: list[list[float]]) -> NDArray[np.intp]:
    """The places of words with these maps, each a highlight."""
    highlights = [Highlight((w,), 1.0, w, (0, 0)) for w in range(len(maps))]
    return find_places(np.array(maps, float), highlights)


def test_the_places_of_words_divide_what_the_model_holds_together() -> None:
    left, right = [[9, 9, 3, 0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0, 2, 4, 4]]
    places = places_of(left, right)
    assert places.tolist() == [[0, 0, 0, -1, -1, 1, 1, 1]]
    whole = np.packbits(np.ones((8, 8), bool), axis=1)
    assert thing_around(whole, 1, places).tolist() == [[True] * 5 + [False] * 3]
    assert thing_around(whole, 5, places).tolist() == [[False] * 3 + [True] * 5]
    assert thing_around(whole, 3, places).all(), "the point is in the place of no word"


def test_a_part_beyond_the_place_of_another_word_does_not_belong_to_the_thing() -> None:
    places = np.array([[0, 1, 0]])
    whole = np.packbits(np.ones((3, 3), bool), axis=1)
    assert thing_around(whole, 0, places).tolist() == [[True, False, False]]


def test_one_noisy_patch_is_not_the_place_of_a_word() -> None:
    rows, cols = 14, 14
    one, other = np.zeros((2, rows, cols))
    one[4:9, 4:9], one[6, 6] = 1, 0.9
    other[6, 6], other[:, 12:] = 1, 1
    assert places_of(one.tolist(), other.tolist())[6, 6] == 0


def test_words_with_evidence_in_the_same_place_divide_nothing() -> None:
    assert places_of([[4, 5, 4, 0]], [[5, 4, 5, 0]]).max() == 0
    assert (find_places(np.ones((2, 1, 4)), []) == -1).all()


def test_a_point_gives_the_thing_of_its_patch() -> None:
    inside = np.zeros((15, 15), bool)
    inside[7, [7, 8]] = True
    e = make_explanation(things=np.packbits(inside, axis=1))
    region = e.thing_at(30, 20)
    assert region["points"] == [[25, 14], [45, 14], [45, 26], [25, 26]]
    assert e.coverage(region).ravel().nonzero()[0].tolist() == [7, 8]


def test_a_point_that_the_model_does_not_see_is_an_error() -> None:
    e = make_explanation(things=np.zeros((15, 2), np.uint8))
    with pytest.raises(ValueError, match=r"\(2, 20\).*box"):
        e.thing_at(2, 20)


def test_without_things_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="explain the picture again"):
        make_explanation().thing_at(30, 20)
