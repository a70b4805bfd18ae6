"""Color scales: the color of each evidence. ``test_golden.py`` compares them with the front end's."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gradeclip_widget.export.painting.color_scales import COLOR_SCALES, color_table

from ...factories import GRID, make_explanation


def is_purple(color: np.ndarray) -> bool:
    red, green, blue = (int(v) for v in color)
    return blue > red > green


def is_orange(color: np.ndarray) -> bool:
    red, green, blue = (int(v) for v in color)
    return red > green > blue


def test_evidence_against_is_purple_and_evidence_for_is_orange() -> None:
    both, negative = color_table("inferno", "both"), color_table("inferno", "negative")
    assert is_purple(both[0])
    assert is_orange(both[255])
    assert is_purple(negative[0])
    assert is_purple(negative[255])
    assert min(*both[127], *both[128]) > 240
    np.testing.assert_array_equal(negative[255], both[0])


@pytest.mark.parametrize("name", COLOR_SCALES)
def test_a_sequential_scale_is_for_the_positive_sign_only(name: str) -> None:
    assert color_table(name, "positive").shape == (256, 3)
    for sign in ("negative", "both"):
        np.testing.assert_array_equal(color_table(name, sign), color_table("inferno", sign))


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_an_unknown_scale_raises_for_every_sign(sign: str) -> None:
    with pytest.raises(ValueError, match="'jett'"):
        color_table("jett", sign)


def test_an_overlay_has_the_colors_of_its_sign() -> None:
    signed = np.zeros(GRID)
    signed[1, 1], signed[1, 3] = -1, 1
    gray = Image.new("RGB", (60, 40), "#808080")
    e = make_explanation(image=gray, signed_map=signed)
    against, aside, towards = (20, 15), (5, 58), (20, 45)  # (y, x)
    both = np.asarray(e.overlay(caption_map=True, sign="both"))
    assert is_purple(both[against])
    assert is_orange(both[towards])
    negative = np.asarray(e.overlay(caption_map=True, sign="negative"))
    assert is_purple(negative[against])
    # Without evidence a diverging scale leaves the picture as it is.
    assert negative[towards].tolist() == [128, 128, 128]
    assert both[10, 10].tolist() != [0, 0, 0]
    assert np.ptp(both[aside]) == 0
