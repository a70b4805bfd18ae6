"""What each word brings to the score, where that comes from, and which words count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from gradeclip_widget.core.evidence import (
    COUNTS,
    HUES,
    Highlight,
    find_highlights,
    picture_shares,
    positive_sum,
    spread,
)
from gradeclip_widget.core.explanation_record import READINGS
from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation

NAMES = ("evidence", "leave-one-out", "grad-eclip", "integrated-gradients")
values = st.floats(-1, 1, allow_subnormal=False, width=32)
numbers = st.integers(1, 9)


@st.composite
def words_and_maps(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    """Importance (W,) and signed maps (W, 3, 4)."""
    count = draw(numbers)
    maps = draw(arrays(np.float32, (count, 3, 4), elements=values))
    return draw(arrays(np.float32, count, elements=values)), maps


def has_a_place(importance: float, word_map: NDArray[Any]) -> bool:
    return bool(((word_map > 0) if importance >= 0 else (word_map < 0)).any())


@given(words_and_maps())
def test_every_words_evidence_sums_to_its_importance(made: Any) -> None:
    importance, maps = made
    for value, word_map, evidence in zip(importance, maps, spread(importance, maps), strict=True):
        expected = value if has_a_place(value, word_map) else 0
        assert evidence.sum() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(words_and_maps())
def test_evidence_has_the_sign_of_the_importance_and_the_shape_of_the_map(made: Any) -> None:
    importance, maps = made
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
def test_evidence_does_not_depend_on_the_order_of_the_words(made: Any, chance: Any) -> None:
    importance, maps = made
    order = list(range(len(importance)))
    chance.shuffle(order)
    evidence = spread(importance, maps)
    np.testing.assert_array_equal(spread(importance[order], maps[order]), evidence[order])
    np.testing.assert_allclose(positive_sum(evidence[order]), positive_sum(evidence), atol=1e-12)


@given(words_and_maps(), st.floats(2**-6, 2**6))
def test_how_large_a_words_map_is_does_not_matter(made: Any, factor: float) -> None:
    importance, maps = made
    scaled = spread(importance, maps.astype(np.float64) * factor)
    np.testing.assert_allclose(scaled, spread(importance, maps), rtol=1e-6, atol=1e-12)


@given(words_and_maps(), values)
def test_the_picture_gives_out_the_size_of_the_score_and_takes_nothing(
    made: Any, score: float
) -> None:
    maps = made[1]
    given_out = picture_shares(maps, score)
    assert (given_out >= 0).all()
    expected = abs(score) if (maps > 0).any() else 0
    assert given_out.sum(dtype=float) == pytest.approx(expected, rel=1e-5, abs=1e-12)


@given(words_and_maps(), values)
def test_what_the_picture_gives_is_proportional_to_the_positive_sums(
    made: Any, score: float
) -> None:
    maps = made[1]
    sums = np.maximum(maps, 0).sum((1, 2), dtype=float)
    given_out = picture_shares(maps, score).astype(float)
    np.testing.assert_allclose(given_out * sums.sum(), abs(score) * sums, rtol=1e-5, atol=1e-12)


@given(words_and_maps(), values)
def test_spreading_what_the_picture_gives_scales_all_maps_by_one_number(
    made: Any, score: float
) -> None:
    maps = made[1]
    positive = np.maximum(maps.astype(float), 0)
    assume(positive.sum() > 1e-6)
    evidence = spread(picture_shares(maps, score), maps)
    one_number = abs(score) / positive.sum()
    np.testing.assert_allclose(evidence, positive * one_number, rtol=1e-5, atol=1e-12)


def test_the_picture_gives_nothing_where_no_map_has_anything_positive() -> None:
    np.testing.assert_array_equal(picture_shares(-np.ones((3, 3, 4)), 0.3), np.zeros(3))
    assert picture_shares(blobs((0, 0), None, (1, 1)), 0.5).tolist() == [0.25, 0, 0.25]


@given(words_and_maps())
def test_highlights_are_words_that_count_and_have_a_place(made: Any) -> None:
    importance, maps = made
    evidence = spread(importance, maps)
    found = find_highlights(importance, evidence)
    named = [w for h in found for w in h.words]
    assert named == sorted(set(named))
    floor = 0.25 * float(importance.max())
    counting = [w for w, v in enumerate(importance) if v > 0 and v >= floor and evidence[w].any()]
    assert named == counting
    for h in found:
        assert list(h.words) == list(range(h.words[0], h.words[-1] + 1))
        assert h.importance == pytest.approx(float(importance[list(h.words)].sum()), rel=1e-5)
        joint = evidence[list(h.words)].sum(0)
        assert joint[h.peak] == joint.max()
        assert not (joint.ravel()[: h.peak[0] * 4 + h.peak[1]] == joint.max()).any()


@given(words_and_maps())
def test_at_most_six_highlights_have_a_hue_and_they_are_the_most_important(made: Any) -> None:
    importance, maps = made
    found = find_highlights(importance, spread(importance, maps))
    colored = [h for h in found if h.hue is not None]
    assert [h.hue for h in colored] == list(range(min(len(found), HUES)))
    rest = [h.importance for h in found if h.hue is None]
    if rest:
        assert max(rest) <= min(h.importance for h in colored)


def blobs(*places: tuple[int, int] | None) -> NDArray[np.float64]:
    """A map of one patch per word; none for ``None``."""
    maps = np.zeros((len(places), 3, 4))
    for row, place in zip(maps, places, strict=True):
        if place is not None:
            row[place] = 1
    return maps


def highlights(importance: list[float], maps: NDArray[Any]) -> tuple[Highlight, ...]:
    array = np.array(importance)
    return find_highlights(array, spread(array, maps))


def test_neighbours_that_point_at_one_place_are_one_highlight() -> None:
    found = highlights([1, 2, 3, 1], blobs((0, 0), (0, 0), (0, 0), (2, 3)))
    assert [(h.words, h.importance, h.peak) for h in found] == [
        ((0, 1, 2), 6, (0, 0)),
        ((3,), 1, (2, 3)),
    ]


def test_words_that_point_at_one_place_across_another_word_stay_two() -> None:
    apart = highlights([1, 0.01, 1], blobs((0, 0), (0, 0), (0, 0)))
    assert [h.words for h in apart] == [(0,), (2,)]
    between = highlights([1, 1, 1], blobs((0, 0), (2, 3), (0, 0)))
    assert [h.words for h in between] == [(0,), (1,), (2,)]


@pytest.mark.parametrize(("other", "words"), [(0.76, [(0,), (1,)]), (0.74, [(0, 1)])])
def test_neighbours_join_from_a_cosine_similarity_of_four_fifths(other: float, words: Any) -> None:
    maps = np.zeros((2, 3, 4))
    maps[:, 0, 0] = 1
    maps[1, 1, 1] = other  # 1 / sqrt(1 + 0.75 ** 2) = 0.8
    assert [h.words for h in highlights([1, 1], maps)] == words


def test_a_word_of_less_than_a_quarter_of_the_largest_is_not_highlighted() -> None:
    maps = blobs((0, 0), (1, 1), (2, 2), (0, 3), None)
    assert COUNTS == 0.25
    found = highlights([1, 0.26, 0.24, -1, 1], maps * [[[1]], [[1]], [[1]], [[-1]], [[1]]])
    assert [h.words for h in found] == [(0,), (1,)]


def test_nothing_is_highlighted_where_no_word_helps() -> None:
    assert highlights([0, -1], -blobs((0, 0), (1, 1))) == ()


def test_a_tie_for_the_last_hue_goes_to_the_earlier_word() -> None:
    places = [(n // 4, n % 4) for n in range(8)]
    assert [h.hue for h in highlights([1] * 8, blobs(*places))] == [0, 1, 2, 3, 4, 5, None, None]


def test_hues_follow_the_caption_whatever_the_importance() -> None:
    places = [(n // 4, n % 4) for n in range(7)]
    found = highlights([2, 7, 3, 4, 5, 6, 2.5], blobs(*places))
    assert [h.hue for h in found] == [None, 0, 1, 2, 3, 4, 5]


# As an explanation answers it


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_measures_of_importance_are_those_computed_the_default_first(e: Explanation) -> None:
    assert e.importance_measures == NAMES
    assert make_explanation(word_effects=None).importance_measures == (NAMES[0], *NAMES[2:])
    assert make_explanation(integrated_gradients=None).importance_measures == NAMES[:3]
    bare = make_explanation(word_effects=None, integrated_gradients=None)
    assert bare.importance_measures == ("evidence", "grad-eclip")
    as_published = make_explanation(reference=True).importance_measures
    assert as_published == ("grad-eclip", "evidence", "leave-one-out", "integrated-gradients")


def test_importance_is_in_units_of_the_score_by_every_measure(e: Explanation) -> None:
    sums = np.maximum(e.word_maps("left out"), 0).sum((1, 2))
    assert e.importance("evidence") == pytest.approx(e.score * sums / sums.sum())
    np.testing.assert_array_equal(e.importance("leave-one-out"), e.word_effects)
    shares = [e.token_importance[k].sum() for k in ([0], [1, 2], [4], [5])]
    assert e.importance("grad-eclip") == pytest.approx(e.score * np.array(shares))
    ig = e.integrated_gradients
    assert ig is not None
    tokens = [ig[k].sum() for k in ([0], [1, 2], [4], [5])]
    assert e.importance("integrated-gradients") == pytest.approx(np.array(tokens))


def test_word_importance_is_by_the_default_measure(e: Explanation) -> None:
    np.testing.assert_array_equal(e.word_importance, e.importance("evidence"))
    as_published = replace(e, reference=True)
    np.testing.assert_array_equal(as_published.word_importance, e.importance("grad-eclip"))


def test_a_negative_score_is_shared_out_to_no_word_and_the_picture_gives_its_size() -> None:
    e = make_explanation(score=-0.2)
    assert not e.importance("grad-eclip").any()
    assert e.importance("evidence").sum() == pytest.approx(0.2)
    same_size = make_explanation(score=0.2).importance("evidence")
    np.testing.assert_array_equal(e.importance("evidence"), same_size)


def test_what_the_picture_gives_is_read_as_the_evidence_is(e: Explanation) -> None:
    bare = replace(e, left_out=None)
    sums = np.maximum(e.word_maps("in caption"), 0).sum((1, 2))
    assert bare.importance("evidence") == pytest.approx(e.score * sums / sums.sum())
    one_number = e.score / np.maximum(e.word_maps("left out"), 0).sum()
    positive = np.maximum(e.word_maps("left out"), 0)
    np.testing.assert_allclose(e.word_evidence(), positive * one_number, rtol=1e-5)


def test_a_measure_that_was_not_computed_is_named() -> None:
    e = make_explanation(word_effects=None)
    with pytest.raises(
        ValueError, match="no measure of importance 'leave-one-out' here: there are"
    ):
        e.importance("leave-one-out")
    with pytest.raises(
        ValueError, match=r"there are 'evidence', 'grad-eclip', 'integrated-gradients'$"
    ):
        e.word_evidence(measure="loud")


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("measure", NAMES)
def test_evidence_of_words_sums_to_their_importance(
    e: Explanation, reading: str, measure: str
) -> None:
    evidence = e.word_evidence(reading, measure)
    assert evidence.shape == (4, *GRID)
    np.testing.assert_allclose(evidence.sum((1, 2)), e.importance(measure), atol=1e-7)


def test_evidence_is_read_by_leaving_the_word_out_where_that_was_computed(e: Explanation) -> None:
    assert e.evidence_reading == "left out"
    np.testing.assert_array_equal(e.word_evidence(), e.word_evidence("left out"))
    bare = replace(e, left_out=None)
    assert bare.evidence_reading == "in caption"
    np.testing.assert_array_equal(bare.word_evidence(), bare.word_evidence("in caption"))
    measure = "leave-one-out"  # which is of no reading
    np.testing.assert_array_equal(
        bare.word_evidence(measure=measure), e.word_evidence("in caption", measure)
    )
    with pytest.raises(ValueError, match="no reading 'left out' here"):
        bare.word_evidence("left out")


def test_the_evidence_map_sums_what_speaks_for_the_match(e: Explanation) -> None:
    expected = np.maximum(e.word_evidence(), 0).sum(0)
    np.testing.assert_allclose(e.evidence_map, expected, atol=1e-8)
    helping = np.maximum(e.word_importance, 0).sum()
    assert e.evidence_map.sum() == pytest.approx(helping)


def test_highlights_are_of_the_default_measure_or_of_another(e: Explanation) -> None:
    assert [h.words for h in e.highlights()] == [(0,), (1,), (2,), (3,)]
    assert sum(h.importance for h in e.highlights()) == pytest.approx(e.score)
    assert [h.words for h in e.highlights("leave-one-out")] == [(2,), (3,)]
    by_shares = e.highlights("grad-eclip")
    assert sum(h.importance for h in by_shares) == pytest.approx(e.importance("grad-eclip").sum())
    with pytest.raises(ValueError, match="no measure of importance"):
        e.highlights("loud")


cuts = st.integers(1, 3)


@given(cuts, st.sampled_from(READINGS), st.sampled_from(NAMES))
def test_regions_that_tile_the_picture_add_up_to_the_importance(
    rows: int, reading: str, measure: str
) -> None:
    e = make_explanation()
    height, width = e.image.height, e.image.width
    total = np.zeros(4)
    for n in range(rows):
        part = (0, height * n / rows, width, height * (n + 1) / rows)
        for word in e.region_words(part, reading, measure):
            total[word.index] += word.value
    np.testing.assert_allclose(total, e.importance(measure), atol=1e-6)


@given(st.integers(6, 54), st.integers(3, 37))
def test_two_masks_that_share_no_pixel_add_up_to_their_union(x: int, y: int) -> None:
    e = make_explanation()
    left, right = np.zeros((2, 40, 60), bool)
    left[:y, :x] = True
    right[y:, :x] = True
    assume(left[2:38, 5:55].any() and right[2:38, 5:55].any())
    both = {w.index: w.value for w in e.region_words(left | right)}
    parts = [{w.index: w.value for w in e.region_words(mask)} for mask in (left, right)]
    for index, value in both.items():
        assert parts[0][index] + parts[1][index] == pytest.approx(value, abs=1e-6)
