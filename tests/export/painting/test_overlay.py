"""One map painted over the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gradeclip_widget.explain.explanation import Explanation

from ...factories import GRID, make_explanation, picture


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_painting_does_not_change_the_picture(e: Explanation) -> None:
    before = e.image.tobytes()
    e.overlay("dog")
    assert e.image.tobytes() == before


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_a_phrase_may_be_words_or_indices(e: Explanation, sign: str) -> None:
    one, two = e.overlay("dog", sign=sign), e.overlay("red-ish dog", sign=sign)
    assert (two.mode, two.size) == ("RGB", e.image.size)
    assert e.overlay(2, sign=sign).tobytes() == one.tobytes()
    assert e.overlay([1, "dog"], sign=sign).tobytes() == two.tobytes()
    assert e.overlay("dog").tobytes() != e.overlay("red-ish dog").tobytes()


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_the_captions_map_is_painted_with_caption_map_or_reference(
    e: Explanation, sign: str
) -> None:
    painted = e.overlay(caption_map=True, sign=sign)
    assert painted.size == e.image.size
    assert painted.tobytes() == make_explanation(reference=True).overlay(sign=sign).tobytes()
    assert painted.tobytes() != e.overlay().tobytes()


def test_an_overlay_is_bright_where_the_map_is_strong() -> None:
    signed = np.zeros(GRID)
    signed[1, 4] = 1
    e = make_explanation(image=Image.new("RGB", (60, 40), "black"), signed_map=signed)
    light = np.asarray(e.overlay(opacity=1, caption_map=True).convert("L"), int)
    assert light[20, 50] == light.max() > 200  # the middle of patch (1, 4)
    assert light[20, 10] < 20


def test_an_overlay_without_opacity_is_the_picture_where_the_model_looks(e: Explanation) -> None:
    x0, y0, x1, y1 = (int(v) for v in e.cover)
    for phrase in ({"phrase": "dog"}, {"caption_map": True}):
        painted = e.overlay(**phrase, opacity=0).crop((x0, y0, x1, y1))
        assert painted.tobytes() == e.image.crop((x0, y0, x1, y1)).tobytes()


@pytest.mark.parametrize("options", [{"phrase": "dog"}, {"caption_map": True}, {}])
def test_the_part_that_the_model_did_not_see_is_dimmed(options: dict) -> None:
    blank = {"image": Image.new("RGB", (60, 40), "white"), "left_out": np.zeros((4, *GRID))}
    light = np.asarray(make_explanation(**blank).overlay(**options, opacity=0).convert("L"))
    assert light[20, 2] < 128 < light[20, 30]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (700, 2)])
def test_a_picture_of_any_shape_is_painted(size: tuple[int, int]) -> None:
    e = make_explanation(image=picture(size), cover=(0.0, 0.0, *map(float, size)))
    for options in ({}, {"phrase": "dog"}, {"caption_map": True}):
        assert e.overlay(**options).size == size


def test_a_map_without_evidence_is_painted_without_warnings(
    recwarn: pytest.WarningsRecorder,
) -> None:
    e = make_explanation(signed_map=np.zeros(GRID), left_out=np.zeros((4, *GRID)))
    for sign in ("positive", "negative", "both"):
        e.overlay(caption_map=True, sign=sign)
    e.overlay()
    assert not recwarn.list


def painted_by(e: Explanation, word: str, **options: str) -> float:
    """How much a word's overlay changes the picture that the model saw, in the mean."""
    blank = e.overlay(word, opacity=0, **options)
    change = np.abs(np.asarray(e.overlay(word, **options), float) - np.asarray(blank, float))
    return float(change.mean())


def test_a_word_is_painted_in_proportion_to_its_importance() -> None:
    same = np.zeros((4, *GRID))
    same[:, 1, 2] = 1  # all words at one place
    maps = {"left_out": same, "interactions": np.zeros((6, *GRID))}
    e = make_explanation(**maps, shapley=[0.002, 0.05, 0.1, 0.2])
    strength = [painted_by(e, w, reading="left out") for w in ("a", "red-ish", "dog", "running")]
    floor = strength[0]  # the picture is darkened a little wherever there is no evidence
    above = np.array(strength) - floor
    assert (np.diff(above) > 0).all()
    assert above[1] < 0.6 * above[3]


def test_a_word_that_lowers_the_score_shows_its_negative_evidence() -> None:
    signed = np.zeros((4, *GRID))
    signed[2, 0, 0], signed[2, 2, 4] = 1, -1
    e = make_explanation(
        image=Image.new("RGB", (60, 40), "white"), left_out=signed, shapley=[0, 0.2, -0.1, 0]
    )
    painted = np.asarray(e.overlay("dog", reading="left out"), int)
    for_it, against_it = painted[8, 10], painted[32, 50]  # the middles of the two patches
    assert against_it.sum() < for_it.sum()  # that patch alone is painted
    assert against_it[2] > against_it[1]  # in purple
    assert (
        e.overlay("dog", reading="left out").tobytes()
        == e.overlay("dog", reading="left out", sign="negative").tobytes()
    )
