"""How much of every patch a region covers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.core.regions import (
    RegionWarning,
    check_pixels,
    coverage,
    pixels,
    seen_coverage,
    seen_share,
)

SIZE, GRID, COVER = (60, 40), (3, 5), (5.0, 2.0, 55.0, 38.0)  # patches of 10 x 12 px

xs, ys = st.floats(0, 60), st.floats(0, 40)
# Boxes within the first pixel are refused: they look like fractions of the picture.
boxes = (
    st.tuples(xs, ys, xs, ys)
    .map(lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])))
    .filter(lambda b: max(b) > 1)
)


def cover(region: object) -> np.ndarray:
    return coverage(region, SIZE, GRID, COVER)  # type: ignore[arg-type]


def test_the_box_of_a_patch_covers_it_and_no_other() -> None:
    expected = np.zeros(GRID)
    expected[1, 2] = 1
    np.testing.assert_array_equal(cover((25, 14, 35, 26)), expected)


def test_half_a_patch_counts_half() -> None:
    assert cover((5, 2, 10, 14))[0, 0] == pytest.approx(0.5)
    assert cover((5, 2, 10, 8))[0, 0] == pytest.approx(0.25)


def test_the_whole_picture_covers_everything() -> None:
    np.testing.assert_array_equal(cover((0, 0, 60, 40)), 1)


@given(boxes)
def test_a_box_covers_its_own_area(box: tuple[float, float, float, float]) -> None:
    covered = cover(box)
    assert ((covered >= 0) & (covered <= 1)).all()
    width = max(0, min(box[2], 55) - max(box[0], 5))
    height = max(0, min(box[3], 38) - max(box[1], 2))
    if width * height > 1e-3:
        assert covered.sum() * 120 == pytest.approx(width * height, rel=1e-4)


@given(boxes, st.floats(0.1, 0.9))
def test_two_halves_of_a_box_cover_as_much_as_the_box(
    box: tuple[float, float, float, float], part: float
) -> None:
    x0, y0, x1, y1 = box
    cut = x0 + part * (x1 - x0)
    if cut - x0 > 1e-3 and x1 - cut > 1e-3 and y1 - y0 > 1e-3 and min(x1 - 5, 55 - x0) > 0.1:
        whole, left, right = cover(box), cover((x0, y0, cut, y1)), cover((cut, y0, x1, y1))
        if left.sum() <= whole.sum() and right.sum() <= whole.sum():  # neither fell back on a patch
            np.testing.assert_allclose(left + right, whole, atol=1e-5)


def test_a_rectangular_polygon_covers_as_much_as_its_box() -> None:
    polygon = [(25, 14), (45, 14), (45, 38), (25, 38)]
    np.testing.assert_allclose(cover(polygon), cover((25, 14, 45, 38)))


def test_a_mask_covers_as_much_as_its_box() -> None:
    mask = np.zeros((40, 60), bool)
    mask[14:30, 22:47] = True
    np.testing.assert_allclose(cover(mask), cover((22, 14, 47, 30)), atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_a_mask_and_its_complement_cover_everything_once(seed: int) -> None:
    mask = np.random.default_rng(seed).random((40, 60)) < 0.3
    np.testing.assert_allclose(cover(mask) + cover(~mask), 1, atol=1e-5)


def test_a_concave_polygon_leaves_its_notch_out() -> None:
    horseshoe = [(5, 2), (55, 2), (55, 38), (35, 38), (35, 14), (25, 14), (25, 38), (5, 38)]
    covered = cover(horseshoe)
    assert covered[0].tolist() == [1, 1, 1, 1, 1]
    assert covered[1].tolist() == covered[2].tolist() == [1, 1, 0, 1, 1]


def test_a_polygon_that_crosses_itself_follows_the_even_odd_rule() -> None:
    twice = [(5, 2), (55, 2), (55, 38), (5, 38)] * 2
    assert cover([(x, y) for x, y in twice][:4]).all()
    covered = coverage(twice, SIZE, GRID, COVER)
    assert covered.sum() == 1  # wound twice: nothing inside, so the patch at its center
    assert covered[1, 2] == 1


def test_where_a_polygon_starts_and_turns_does_not_matter() -> None:
    points = [(10, 5), (50, 10), (30, 35)]
    for other in (points[1:] + points[:1], points[::-1], [*points, points[0]]):
        np.testing.assert_array_equal(cover(other), cover(points))


@pytest.mark.parametrize(
    "region", [(30, 20, 30, 20), [(30, 20), (30.1, 20), (30, 20.1)], [(30, 20)] * 3]
)
def test_a_region_too_small_to_sample_covers_the_patch_it_lies_in(region: object) -> None:
    covered = cover(region)
    assert covered.sum() == covered[1, 2] == 1


def test_a_region_outside_the_grid_covers_nothing() -> None:
    assert not cover((0, 0, 4, 40)).any()
    assert not cover([(0, 0), (4, 0), (4, 40)]).any()


def test_only_the_part_of_a_box_inside_the_picture_counts() -> None:
    np.testing.assert_array_equal(cover((-100, -100, 30, 20)), cover((0, 0, 30, 20)))


def test_the_value_of_the_widgets_trait_is_a_region() -> None:
    points = [(10, 5), (50, 10), (30, 35)]
    polygon, box = {"kind": "polygon", "points": points}, {"kind": "box", "box": [10, 5, 50, 35]}
    np.testing.assert_array_equal(cover(polygon), cover(points))
    np.testing.assert_array_equal(cover(box), cover((10, 5, 50, 35)))


@pytest.mark.parametrize(
    ("region", "word"),
    [
        ((61, 0, 70, 10), "outside.*60 x 40"),
        ((0, -9, 10, -1), "outside"),
        ((60, 0, 70, 10), "outside"),
        ([(70, 0), (80, 0), (80, 9)], "polygon.*outside"),
        ((30, 0, 10, 10), "30.*x0 <= x1"),
        ((0, 0, float("nan"), 9), "NaN or infinite"),
        ((0, 0, float("inf"), 9), "NaN or infinite"),
        ((1, 2, 3), r"\(3,\)"),
        ([(1, 2), (3, 4)], "three points"),
        ([(1, 2), (3, 4), (5,)], "a region is"),
        ("left", "not 'left'"),
        (None, "not None"),
        ({"kind": "circle"}, "a region is"),
        (np.zeros((40, 60), bool), "empty"),
        (np.ones((60, 40), bool), r"\(40, 60\), not \(60, 40\)"),
        (np.ones((40, 60), np.uint8), "boolean mask"),
    ],
)
def test_a_malformed_region_raises(region: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        cover(region)


def test_a_pixel_is_in_a_region_that_covers_its_center_or_half_of_it() -> None:
    inside = pixels((1.4, 0, 3.5, 2), (6, 4))
    assert inside.shape == (4, 6)
    np.testing.assert_array_equal(
        np.argwhere(inside), [[0, 1], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3]]
    )
    triangle = pixels([(0, 0), (6, 0), (0, 6)], (6, 6))
    np.testing.assert_array_equal(triangle.sum(1), [5, 4, 3, 2, 1, 0])


def test_the_pixels_of_a_mask_are_the_mask() -> None:
    mask = np.arange(24).reshape(4, 6) % 5 == 0
    np.testing.assert_array_equal(pixels(mask, (6, 4)), mask)


def test_a_region_smaller_than_a_pixel_is_that_pixel() -> None:
    np.testing.assert_array_equal(np.argwhere(pixels((2.2, 1.2, 2.3, 1.4), (6, 4))), [[1, 2]])


def test_a_line_with_its_center_outside_the_picture_has_no_pixels() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        pixels((2, -100, 2, 1), (6, 4))


# The part that the model saw

RIGHT_HALF = np.zeros((40, 60), bool)
RIGHT_HALF[:, 30:] = True


@pytest.mark.parametrize(
    ("region", "share"),
    [
        ((10, 10, 20, 20), 1),
        ((0, 0, 5, 40), 0),  # beside the cover
        ((0, 2, 10, 38), 0.5),
        ((-10, 2, 10, 38), 0.5),  # what lies beyond the picture does not count
        ([(0, 2), (10, 2), (10, 38), (0, 38)], 0.5),
        ([(0, 0), (4, 0), (0, 30)], 0),
        ({"kind": "polygon", "points": [(0, 2), (10, 2), (10, 38), (0, 38)]}, 0.5),
        (RIGHT_HALF, 25 * 36 / (30 * 40)),
        ((58, 20, 58, 20), 0),  # a point
        ((30, 20, 30, 20), 1),
    ],
)
def test_the_share_of_a_region_that_the_model_saw(region: object, share: float) -> None:
    assert seen_share(region, SIZE, COVER) == pytest.approx(share, abs=1e-3)  # type: ignore[arg-type]


@given(boxes)
def test_the_share_of_a_box_is_its_seen_area(box: tuple[float, float, float, float]) -> None:
    if (box[2] - box[0]) * (box[3] - box[1]) > 1e-2:
        width = max(0, min(box[2], 55) - max(box[0], 5))
        height = max(0, min(box[3], 38) - max(box[1], 2))
        share = width * height / ((box[2] - box[0]) * (box[3] - box[1]))
        assert seen_share(box, SIZE, COVER) == pytest.approx(share, abs=1e-4)


def test_what_was_not_seen_is_not_zero_and_the_reason_is_given() -> None:
    with pytest.warns(RegionWarning, match=r"did not see.*60 x 40.*\(5, 2, 55, 38\)"):
        assert np.isnan(seen_coverage((0, 0, 4, 40), SIZE, GRID, COVER)).all()
    with pytest.warns(RegionWarning, match="saw 50 % of this region"):
        seen = seen_coverage((0, 2, 10, 38), SIZE, GRID, COVER)
    np.testing.assert_array_equal(seen, cover((0, 2, 10, 38)))
    with pytest.warns(RegionWarning, match="beyond the picture of 60 x 40"):
        seen_coverage((30, 10, 90, 20), SIZE, GRID, (0, 0, 60, 40))


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ((0.1, 0.2, 0.5, 0.6), r"box \(0.1, 0.2, 0.5, 0.6\)"),
        ((0, 0, 1, 1), r"box \(0, 0, 1, 1\)"),  # one pixel, or the whole picture
        ([(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)], "polygon"),
        ({"kind": "box", "box": [0.1, 0.2, 0.5, 0.6]}, "box"),
    ],
)
@pytest.mark.parametrize("read", [cover, lambda region: pixels(region, SIZE)])
def test_a_region_in_fractions_of_the_picture_is_refused(
    region: object, name: str, read: Callable[[object], object]
) -> None:
    with pytest.raises(ValueError, match=f"{name}.*fractions.*pixels.*60 and 40"):
        read(region)


def test_small_boxes_in_pixels_are_taken() -> None:
    check_pixels((5, 5, 6, 6), SIZE)
    check_pixels((0, 0, 1, 2), SIZE)
    check_pixels((0, 0, 1, 1), (4, 3))  # a picture of a few pixels
    check_pixels(np.ones((40, 60), bool), SIZE)


def test_a_box_in_the_form_of_coco_is_named() -> None:
    with pytest.raises(ValueError, match=r"box \(40, 20, 10, 10\).*inverted.*COCO"):
        cover((40, 20, 10, 10))
