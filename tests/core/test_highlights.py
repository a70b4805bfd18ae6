"""Highlights: the words that count, some of them joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from gradeclip_widget.core.evidence import (
    COUNTS,
    HUES,
    LOWERS,
    Highlight,
    find_highlights,
    lowering,
    spread,
    word_hues,
)
from gradeclip_widget.core.words import Word

from ..factories import words_of
from .strategies import blobs, words_and_maps


def words_named(count: int) -> tuple[Word, ...]:
    """Unrelated nouns."""
    return words_of(" ".join(f"thing{n}" for n in range(count)))


def found(
    importance: NDArray[Any], maps: NDArray[Any], words: Sequence[Word]
) -> tuple[Highlight, ...]:
    return find_highlights(
        importance, spread(importance, maps), words, word_hues(importance, words)
    )


def highlights(importance: list[float], maps: NDArray[Any]) -> tuple[Highlight, ...]:
    return found(np.array(importance), maps, words_named(len(importance)))


@given(words_and_maps())
def test_highlights_are_the_words_that_count_and_have_evidence(pair: Any) -> None:
    importance, maps = pair
    evidence = spread(importance, maps)
    result = found(importance, maps, words_named(len(importance)))
    named = [w for h in result for w in h.words]
    assert named == sorted(set(named))
    floor = COUNTS * float(importance.max())
    counting = [w for w, v in enumerate(importance) if v > 0 and v >= floor and evidence[w].any()]
    assert named == counting
    for h in result:
        assert list(h.words) == list(range(h.words[0], h.words[-1] + 1))
        assert h.importance == pytest.approx(float(importance[list(h.words)].sum()), rel=1e-5)
        joint = evidence[list(h.words)].sum(0)
        assert joint[h.peak] == joint.max()
        assert not (joint.ravel()[: h.peak[0] * 4 + h.peak[1]] == joint.max()).any()


@given(words_and_maps())
def test_at_most_six_words_have_a_hue_and_they_are_the_most_important(pair: Any) -> None:
    importance, _ = pair
    hues = word_hues(importance, words_named(len(importance)))
    assert sorted(h for h in hues if h is not None) == list(range(min(len(hues), HUES)))
    rest = [float(v) for v, hue in zip(importance, hues, strict=True) if hue is None]
    colored = [float(v) for v, hue in zip(importance, hues, strict=True) if hue is not None]
    assert max(rest, default=-np.inf) <= min(colored)


def test_a_word_has_one_hue_by_every_measure() -> None:
    words, maps = words_named(3), blobs((0, 0), (1, 1), (2, 2))
    hues = word_hues(np.array([0.1, 2.0, 1.0]), words)
    assert hues == (2, 0, 1), "first those that count"
    other = np.array([3.0, 1.0, 0.0])
    result = find_highlights(other, spread(other, maps), words, hues)
    assert [(h.words, h.hue) for h in result] == [((0,), 2), ((1,), 0)]


def test_a_noun_and_its_attribute_have_one_hue_and_small_words_none() -> None:
    words = words_of("a red circle and a dog")
    importance = np.array([0.5, 1.0, 1.0, 0.0, 0.0, 1.0])
    assert word_hues(importance, words) == (None, 0, 0, None, None, 1)
    unread = (*words[:5], replace(words[5], truncated=True))
    assert word_hues(importance, unread) == (None, 0, 0, None, None, None)


def test_neighbors_with_evidence_in_one_place_are_one_highlight() -> None:
    result = highlights([1, 2, 3, 1], blobs((0, 0), (0, 0), (0, 0), (2, 3)))
    assert [(h.words, h.importance, h.peak) for h in result] == [
        ((0, 1, 2), 6, (0, 0)),
        ((3,), 1, (2, 3)),
    ]


def test_words_that_are_not_neighbors_are_not_joined() -> None:
    apart = highlights([1, 0.01, 1], blobs((0, 0), (0, 0), (0, 0)))
    assert [h.words for h in apart] == [(0,), (2,)]
    between = highlights([1, 1, 1], blobs((0, 0), (2, 3), (0, 0)))
    assert [h.words for h in between] == [(0,), (1,), (2,)]


@pytest.mark.parametrize(("other", "words"), [(0.76, [(0,), (1,)]), (0.74, [(0, 1)])])
def test_neighbors_are_joined_from_a_cosine_similarity_of_four_fifths(
    other: float, words: Any
) -> None:
    maps = np.zeros((2, 3, 4))
    maps[:, 0, 0] = 1
    maps[1, 1, 1] = other  # 1 / sqrt(1 + 0.75 ** 2) = 0.8
    assert [h.words for h in highlights([1, 1], maps)] == words


def test_a_word_of_little_importance_is_not_highlighted() -> None:
    maps = blobs((0, 0), (1, 1), (2, 2), (0, 3), None)
    result = highlights(
        [1, 1.01 * COUNTS, 0.99 * COUNTS, -1, 1], maps * [[[1]], [[1]], [[1]], [[-1]], [[1]]]
    )
    assert [h.words for h in result] == [(0,), (1,)]


def test_nothing_is_highlighted_if_no_word_raises_the_score() -> None:
    assert highlights([0, -1], -blobs((0, 0), (1, 1))) == ()


def test_a_tie_for_the_last_hue_goes_to_the_earlier_word() -> None:
    places = [(n // 4, n % 4) for n in range(8)]
    assert [h.hue for h in highlights([1] * 8, blobs(*places))] == [0, 1, 2, 3, 4, 5, None, None]


def test_hues_are_in_caption_order() -> None:
    places = [(n // 4, n % 4) for n in range(7)]
    result = highlights([2, 7, 3, 4, 5, 6, 2.5], blobs(*places))
    assert [h.hue for h in result] == [None, 0, 1, 2, 3, 4, 5]


def test_a_word_that_the_model_was_never_trained_on_is_not_highlighted() -> None:
    importance, maps = np.array([3.0, 1.0]), blobs((0, 0), (1, 1))
    dodo, dog = words_of("dodo dog")
    words = (replace(dodo, known=False), dog)
    result = found(importance, maps, words)
    assert [h.words for h in result] == [(1,)]


def test_a_word_lowers_the_score_from_a_tenth_of_the_largest_importance() -> None:
    words = words_of("dog cat sun tree")
    values = np.array([1.0, -1.01 * LOWERS, -0.99 * LOWERS, 0.0])
    assert lowering(values, words) == (1,)
    assert lowering(np.array([-1.0, -2.0, 0.5, 0.0]), words) == (0, 1)


def test_small_and_unknown_words_are_not_lowering_words() -> None:
    the, dog = words_of("the dog")
    assert lowering(np.array([-1.0, -1.0]), (the, dog)) == (1,)
    assert lowering(np.array([-1.0, -1.0]), (the, replace(dog, known=False))) == ()


def test_an_attribute_and_its_noun_are_one_highlight() -> None:
    values, maps = np.array([1.0, 1.0, 1.0]), blobs((0, 0), (1, 1), (2, 2))
    result = found(values, maps, words_of("red circle dog"))
    assert [h.words for h in result] == [(0, 1), (2,)]


def test_an_attribute_is_not_joined_to_a_noun_after_a_comma() -> None:
    values, maps = np.array([1.0, 1.0]), blobs((0, 0), (1, 1))
    result = found(values, maps, words_of("red, circle"))
    assert [h.words for h in result] == [(0,), (1,)]


def test_an_attribute_that_does_not_count_is_not_joined() -> None:
    values, maps = np.array([-1.0, 1.0]), blobs((0, 0), (1, 1))
    result = found(values, maps, words_of("green circle"))
    assert [h.words for h in result] == [(1,)]
