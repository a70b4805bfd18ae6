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


@pytest.mark.parametrize("phrase", ["dog", 2, "red-ish dog", [0, "dog"]])
@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_an_overlay_is_a_picture_of_the_same_size(e: Explanation, phrase, sign: str) -> None:
    painted = e.overlay(phrase, sign=sign)
    assert painted.mode == "RGB"
    assert painted.size == e.image.size


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_the_captions_own_map_is_painted_where_asked_or_as_published(
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
def test_what_the_model_did_not_see_is_dimmed(options: dict) -> None:
    blank = {"image": Image.new("RGB", (60, 40), "white"), "left_out": np.zeros((4, *GRID))}
    light = np.asarray(make_explanation(**blank).overlay(**options, opacity=0).convert("L"))
    assert light[20, 2] < 128 < light[20, 30]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (700, 2)])
def test_a_picture_of_any_shape_is_painted(size: tuple[int, int]) -> None:
    e = make_explanation(image=picture(size), cover=(0.0, 0.0, *map(float, size)))
    for options in ({}, {"phrase": "dog"}, {"caption_map": True}):
        assert e.overlay(**options).size == size
    assert e.figure().data


def test_a_map_without_evidence_is_painted_without_warnings(
    recwarn: pytest.WarningsRecorder,
) -> None:
    e = make_explanation(signed_map=np.zeros(GRID), left_out=np.zeros((4, *GRID)))
    for sign in ("positive", "negative", "both"):
        e.overlay(caption_map=True, sign=sign)
    e.overlay()
    assert not recwarn.list
