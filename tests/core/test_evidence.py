"""Importance spread over the picture, and the score divided among the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gradeclip_widget.core.evidence import picture_shares, positive_sum, spread

from .strategies import blobs, values, words_and_maps


def has_a_place(importance: float, word_map: NDArray[Any]) -> bool:
    return bool(((word_map > 0) if importance >= 0 else (word_map < 0)).any())


@given(words_and_maps())
def test_every_words_evidence_sums_to_its_importance(pair: Any) -> None:
    importance, maps = pair
    for value, word_map, evidence in zip(importance, maps, spread(importance, maps), strict=True):
        expected = value if has_a_place(value, word_map) else 0
        assert evidence.sum() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(words_and_maps())
def test_evidence_has_the_sign_of_the_importance_and_the_shape_of_the_map(pair: Any) -> None:
    importance, maps = pair
    evidence = spread(importance, maps)
    for value, word_map, part in zip(importance, maps, evidence, strict=True):
        assert (part * value >= 0).all()
        assert not part[word_map * np.copysign(1, value) <= 0].any()
        row, col = np.unravel_index(np.abs(part).argmax(), part.shape)
        if part.any():
            scale = part[row, col] / word_map[row, col]
            expected = np.where(part != 0, word_map * scale, 0)
            np.testing.assert_allclose(part, expected, rtol=1e-6, atol=1e-12)


@given(words_and_maps(), st.randoms(use_true_random=False))
def test_evidence_does_not_depend_on_the_order_of_the_words(pair: Any, chance: Any) -> None:
    importance, maps = pair
    order = list(range(len(importance)))
    chance.shuffle(order)
    evidence = spread(importance, maps)
    np.testing.assert_array_equal(spread(importance[order], maps[order]), evidence[order])
    np.testing.assert_allclose(positive_sum(evidence[order]), positive_sum(evidence), atol=1e-12)


@given(words_and_maps(), st.floats(2**-6, 2**6))
def test_the_scale_of_a_words_map_does_not_matter(pair: Any, factor: float) -> None:
    importance, maps = pair
    scaled = spread(importance, maps.astype(np.float64) * factor)
    np.testing.assert_allclose(scaled, spread(importance, maps), rtol=1e-6, atol=1e-12)


@given(words_and_maps(), values)
def test_picture_shares_are_not_negative_and_sum_to_the_absolute_score(
    pair: Any, score: float
) -> None:
    maps = pair[1]
    given_out = picture_shares(maps, score, [True] * len(maps))
    assert (given_out >= 0).all()
    expected = abs(score) if (maps > 0).any() else 0
    assert given_out.sum(dtype=float) == pytest.approx(expected, rel=1e-5, abs=1e-12)


@given(words_and_maps(), values)
def test_picture_shares_are_proportional_to_the_positive_sums(pair: Any, score: float) -> None:
    maps = pair[1]
    sums = np.maximum(maps, 0).sum((1, 2), dtype=float)
    given_out = picture_shares(maps, score, [True] * len(maps)).astype(float)
    np.testing.assert_allclose(given_out * sums.sum(), abs(score) * sums, rtol=1e-5, atol=1e-12)


@given(words_and_maps(), values)
def test_spreading_picture_shares_scales_all_maps_by_the_same_number(
    pair: Any, score: float
) -> None:
    maps = pair[1]
    positive = np.maximum(maps.astype(float), 0)
    assume(positive.sum() > 1e-6)
    evidence = spread(picture_shares(maps, score, [True] * len(maps)), maps)
    one_number = abs(score) / positive.sum()
    np.testing.assert_allclose(evidence, positive * one_number, rtol=1e-5, atol=1e-12)


def test_picture_shares_are_zero_without_positive_values() -> None:
    np.testing.assert_array_equal(picture_shares(-np.ones((3, 3, 4)), 0.3, [True] * 3), np.zeros(3))
    shares = picture_shares(blobs((0, 0), None, (1, 1)), 0.5, [True] * 3)
    assert shares.tolist() == [0.25, 0, 0.25]


def test_a_word_that_the_model_was_never_trained_on_has_no_picture_share() -> None:
    shares = picture_shares(blobs((0, 0), (1, 1)), 0.5, [False, True])
    assert shares.tolist() == [0, 0.5]
