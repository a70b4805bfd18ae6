"""Measures of a word's importance, and its evidence, as an explanation gives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gradeclip_widget.core.explanation_data import READINGS
from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation

NAMES = ("shapley", "evidence", "leave-one-out", "grad-eclip", "integrated-gradients")


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation(shapley=np.array([1, 12, -4, 3]) / 128)


def test_the_default_measure_is_the_first_that_was_computed(e: Explanation) -> None:
    assert e.importance_measures == NAMES
    assert make_explanation(word_effects=None).importance_measures == (*NAMES[:2], *NAMES[3:])
    assert make_explanation(integrated_gradients=None).importance_measures == NAMES[:4]
    bare = make_explanation(word_effects=None, integrated_gradients=None, shapley=None)
    assert bare.importance_measures == ("evidence", "grad-eclip")
    as_published = make_explanation(reference=True).importance_measures
    assert as_published == (NAMES[3], *NAMES[:3], NAMES[4])


def test_importance_is_in_units_of_the_score_by_every_measure(e: Explanation) -> None:
    sums = np.maximum(e.raw_maps("left out"), 0).sum((1, 2))
    assert e.importance("evidence") == pytest.approx(e.score * sums / sums.sum())
    np.testing.assert_array_equal(e.importance("leave-one-out"), e.word_effects)
    shares = [e.token_importance[k].sum() for k in ([0], [1, 2], [4], [5])]
    assert e.importance("grad-eclip") == pytest.approx(e.score * np.array(shares))
    ig = e.integrated_gradients
    assert ig is not None
    tokens = [ig[k].sum() for k in ([0], [1, 2], [4], [5])]
    assert e.importance("integrated-gradients") == pytest.approx(np.array(tokens))


def test_word_importance_is_by_the_default_measure(e: Explanation) -> None:
    np.testing.assert_array_equal(e.word_importance, e.shapley)
    as_published = replace(e, reference=True)
    np.testing.assert_array_equal(as_published.word_importance, e.importance("grad-eclip"))


def test_a_negative_score_has_evidence_of_its_absolute_value_and_no_grad_eclip_importance() -> None:
    e = make_explanation(score=-0.2)
    assert not e.importance("grad-eclip").any()
    assert e.importance("evidence").sum() == pytest.approx(0.2)
    same_size = make_explanation(score=0.2).importance("evidence")
    np.testing.assert_array_equal(e.importance("evidence"), same_size)


def test_measures_that_add_up_have_a_base(e: Explanation) -> None:
    assert [e.base(name) for name in NAMES] == [e.empty_score, 0, None, None, None]
    assert e.importance().sum(dtype=float) + e.base() == pytest.approx(e.score)
    assert make_explanation(score=-0.2).base("evidence") is None  # its values add up to 0.2


def test_shapley_values_need_the_score_of_the_empty_caption() -> None:
    with pytest.raises(ValueError, match="empty_score"):
        replace(make_explanation(), empty_score=None)


def test_evidence_is_computed_from_the_evidence_reading(e: Explanation) -> None:
    bare = replace(e, left_out=None)
    sums = np.maximum(e.raw_maps("in caption"), 0).sum((1, 2))
    assert bare.importance("evidence") == pytest.approx(e.score * sums / sums.sum())
    one_number = e.score / np.maximum(e.raw_maps("left out"), 0).sum()
    positive = np.maximum(e.raw_maps("left out"), 0)
    evidence = e.word_evidence(measure="evidence")
    np.testing.assert_allclose(evidence, positive * one_number, rtol=1e-5)


def test_a_measure_that_was_not_computed_raises() -> None:
    e = make_explanation(word_effects=None)
    with pytest.raises(
        ValueError, match=r"'leave-one-out'.*'shapley', 'evidence', 'grad-eclip', 'int"
    ):
        e.importance("leave-one-out")
    with pytest.raises(ValueError, match="'loud'"):
        e.word_evidence(measure="loud")


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("measure", NAMES)
def test_evidence_of_words_sums_to_their_importance(
    e: Explanation, reading: str, measure: str
) -> None:
    evidence = e.word_evidence(reading, measure)
    assert evidence.shape == (4, *GRID)
    np.testing.assert_allclose(evidence.sum((1, 2)), e.importance(measure), atol=1e-7)


def test_the_evidence_reading_is_left_out_if_it_was_computed(e: Explanation) -> None:
    assert e.evidence_reading == "left out"
    np.testing.assert_array_equal(e.word_evidence(), e.word_evidence("left out"))
    bare = replace(e, left_out=None)
    assert bare.evidence_reading == "in caption"
    np.testing.assert_array_equal(bare.word_evidence(), bare.word_evidence("in caption"))
    measure = "leave-one-out"  # it does not depend on a reading
    np.testing.assert_array_equal(
        bare.word_evidence(measure=measure), e.word_evidence("in caption", measure)
    )
    with pytest.raises(ValueError, match="reading 'left out'"):
        bare.word_evidence("left out")


def test_the_evidence_map_is_the_sum_of_positive_evidence(e: Explanation) -> None:
    expected = np.maximum(e.word_evidence(), 0).sum(0)
    np.testing.assert_allclose(e.evidence_map, expected, atol=1e-8)
    helping = np.maximum(e.word_importance, 0).sum()
    assert e.evidence_map.sum() == pytest.approx(helping)


def test_lowering_words_use_the_default_or_another_measure(e: Explanation) -> None:
    assert e.lowering_words() == (2,)
    assert e.lowering_words("evidence") == ()


def test_highlights_use_the_default_or_another_measure(e: Explanation) -> None:
    assert [h.words for h in e.highlights()] == [(1,), (3,)]
    assert [h.words for h in e.highlights("evidence")] == [(0,), (1,), (2,), (3,)]
    assert [h.words for h in e.highlights("leave-one-out")] == [(2,), (3,)]
    by_shares = e.highlights("grad-eclip")
    assert sum(h.importance for h in by_shares) == pytest.approx(e.importance("grad-eclip").sum())
    with pytest.raises(ValueError, match=r"measure.*'loud'"):
        e.highlights("loud")


cuts = st.integers(1, 3)


@given(cuts, st.sampled_from(READINGS), st.sampled_from(NAMES))
def test_values_of_regions_that_tile_the_picture_sum_to_the_importance(
    rows: int, reading: str, measure: str
) -> None:
    e = make_explanation(shapley=np.array([1, 12, -4, 3]) / 128)
    height, width = e.image.height, e.image.width
    total = np.zeros(4)
    for n in range(rows):
        part = (0, height * n / rows, width, height * (n + 1) / rows)
        for word in e.region_words(part, reading, measure):
            total[word.index] += word.value
    np.testing.assert_allclose(total, e.importance(measure), atol=1e-6)


@given(st.integers(6, 54), st.integers(3, 37))
def test_values_of_disjoint_masks_sum_to_that_of_their_union(x: int, y: int) -> None:
    e = make_explanation()
    left, right = np.zeros((2, 40, 60), bool)
    left[:y, :x] = True
    right[y:, :x] = True
    assume(left[2:38, 5:55].any() and right[2:38, 5:55].any())
    both = {w.index: w.value for w in e.region_words(left | right)}
    parts = [{w.index: w.value for w in e.region_words(mask)} for mask in (left, right)]
    for index, value in both.items():
        assert parts[0][index] + parts[1][index] == pytest.approx(value, abs=1e-6)
