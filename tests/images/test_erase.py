"""A region is gone from the picture, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.core.regions import pixels
from gradeclip_widget.demo import Scene
from gradeclip_widget.images.erase import ERASURES, erase

from ..factories import picture

SIZE = (60, 40)
BOX = (12, 8, 33, 30)


def changed(after: Image.Image) -> np.ndarray:
    return (np.asarray(after) != np.asarray(picture(SIZE))).any(-1)


@pytest.mark.parametrize("how", ERASURES)
@pytest.mark.parametrize(
    "region",
    [
        BOX,
        [(5, 5), (50, 10), (30, 35)],
        {"kind": "box", "box": [12.4, 8, 33, 30]},
    ],
)
def test_pixels_outside_the_region_stay_as_they_are(how: str, region: object) -> None:
    after = erase(picture(SIZE), region, how)  # type: ignore[arg-type]
    inside = pixels(region, SIZE)  # type: ignore[arg-type]
    assert after.size == SIZE
    assert not changed(after)[~inside].any()
    assert changed(after)[inside].any()


def test_erasing_does_not_change_the_original() -> None:
    image = picture(SIZE)
    erase(image, BOX, "mean")
    np.testing.assert_array_equal(np.asarray(image), np.asarray(picture(SIZE)))


def test_mean_fills_with_the_mean_color_of_the_rest() -> None:
    before, inside = np.asarray(picture(SIZE)), pixels(BOX, SIZE)
    filled = np.asarray(erase(picture(SIZE), BOX, "mean"))[inside]
    np.testing.assert_array_equal(
        filled, np.rint(before[~inside].mean(0))[None].repeat(inside.sum(), 0)
    )


def test_noise_depends_on_the_seed_only() -> None:
    first, again, other = (
        np.asarray(erase(picture(SIZE), BOX, "noise", seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_blurred_region_has_no_shapes_left() -> None:
    stripes = Image.fromarray((np.indices((80, 80)).sum(0) // 4 % 2 * 255).astype(np.uint8))
    inside = pixels((20, 20, 60, 60), (80, 80))
    assert np.asarray(erase(stripes, (20, 20, 60, 60), "blur"))[inside].std() < 3


@pytest.mark.parametrize("how", ERASURES)
def test_all_of_a_picture_can_be_erased(how: str) -> None:
    assert changed(erase(picture(SIZE), (0, 0, *SIZE), how)).mean() > 0.9


def test_an_unknown_way_of_erasing_raises() -> None:
    with pytest.raises(ValueError, match=r"'burn'.*'blur'"):
        erase(picture(SIZE), BOX, "burn")


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.floats(1.1, 59)] * 2), st.floats(0, 20), st.sampled_from(ERASURES))
def test_any_box_in_the_picture_erases_something(
    corner: tuple[float, float], side: float, how: str
) -> None:
    x, y = corner[0], corner[1] * 39 / 59
    box = (x, y, x + side, y + side)
    assert pixels(box, SIZE).any()
    assert not changed(erase(picture(SIZE), box, how))[~pixels(box, SIZE)].any()


@pytest.mark.parametrize("how", ERASURES)
def test_without_the_object_the_score_falls(
    explainer: gw.Explainer, scene: Scene, how: str
) -> None:
    circle = scene.objects[1]
    erased = erase(scene.image, circle.mask, how)
    before, after = (explainer.scores(i, ["a red circle"])[0] for i in (scene.image, erased))
    assert after < before - 0.05
