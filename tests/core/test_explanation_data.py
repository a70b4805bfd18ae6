"""The fields of an explanation, and its maps of words, phrases and regions."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.core.explanation_data import READINGS
from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation, with_values


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_its_fields_cannot_be_set(e: Explanation) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.caption = "another"  # type: ignore[misc]


def test_its_arrays_cannot_be_written(e: Explanation) -> None:
    for array in (e.signed_map, e.interactions, e.token_importance, e.raw_maps("alone")):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_copies_its_arrays() -> None:
    mine = np.ones(GRID, np.float32)
    e = make_explanation(signed_map=mine)
    mine[:] = 5
    assert (e.signed_map == 1).all()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"signed_map": np.zeros(15)}, r"signed_map.*\(15,\)"),
        ({"interactions": np.zeros((2, *GRID))}, r"interactions.*\(6, 3, 5\)"),
        ({"alone": np.zeros((4, 5, 3))}, r"alone.*\(4, 3, 5\), not \(4, 5, 3\)"),
        ({"token_importance": np.zeros(3)}, r"token_importance.*\(6,\)"),
        ({"integrated_gradients": np.zeros(4)}, r"integrated_gradients.*\(6,\)"),
        ({"tokens": ("a",)}, "interactions.*shape"),
        ({"signed_map": np.full(GRID, np.nan)}, "signed_map has NaN"),
        ({"token_importance": np.array([0, 0, np.inf, 0, 0, 0])}, "token_importance has NaN"),
        ({"score": math.nan}, "the score is nan"),
    ],
)
def test_arrays_that_do_not_fit_or_are_not_finite_raise(changes: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make_explanation(**changes)


def test_an_explanation_needs_neither_torch_nor_plotly() -> None:
    code = (
        "import sys\n"
        "from tests.factories import make_explanation\n"
        "e = make_explanation()\n"
        "e.region_words((10, 10, 30, 30)), e.phrase_map('red-ish dog'), e.raw_map()\n"
        "e.evidence_map, e.highlights(), e.importance('grad-eclip')\n"
        "print(*sorted({'torch', 'open_clip', 'plotly', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_reading_that_was_not_computed_raises() -> None:
    e = make_explanation(alone=None, left_out=None)
    assert e.readings == ("in caption",)
    with pytest.raises(ValueError, match=r"'alone'.*'in caption'"):
        e.raw_maps("alone")


def test_models_with_a_bias_have_a_probability() -> None:
    assert make_explanation().probability is None
    assert make_explanation().logit == pytest.approx(31.25)
    e = make_explanation(logit_scale=10.0, logit_bias=-3.0)
    assert e.logit == pytest.approx(0.125)
    assert e.probability == pytest.approx(1 / (1 + math.exp(-0.125)))


@pytest.mark.parametrize(("bias", "probability"), [(-1e4, 0), (1e4, 1)])
def test_a_probability_of_a_large_logit_does_not_overflow(bias: float, probability: float) -> None:
    assert make_explanation(logit_bias=bias).probability == probability


def test_missing_evidence_is_reported() -> None:
    assert not make_explanation().no_image_evidence
    assert make_explanation(signed_map=-np.ones(GRID)).no_image_evidence
    assert make_explanation(token_importance=np.zeros(6)).no_text_evidence


def test_a_words_raw_map_is_the_sum_of_its_tokens(e: Explanation) -> None:
    np.testing.assert_array_equal(e.raw_map("red-ish"), e.interactions[1] + e.interactions[2])


@given(st.lists(st.integers(0, 3), min_size=1, unique=True))
def test_a_phrases_raw_map_is_the_sum_of_its_words(indices: list[int]) -> None:
    e = make_explanation()
    for reading in READINGS:
        expected = sum(e.raw_map(w, reading) for w in indices)
        np.testing.assert_array_equal(e.raw_map(indices, reading), expected)


@pytest.mark.parametrize("reading", READINGS)
def test_a_map_sums_to_the_importance_and_has_the_raw_maps_shape(reading: str) -> None:
    e = with_values(make_explanation(), [0.25, 0.5, -0.125, 0])
    for words, value in (([0], 0.25), ([1], 0.5), ([2], -0.125), ([3], 0), ([1, 2], 0.375)):
        values, raw = e.phrase_map(words, reading), e.raw_map(words, reading)
        assert values.sum() == pytest.approx(value, abs=1e-7)
        assert (values * np.sign(value) >= 0).all()
        both = e.phrase_map(words, reading, both_signs=True)
        np.testing.assert_allclose(both * np.abs(raw).sum(), raw * np.abs(both).sum(), atol=1e-5)
        np.testing.assert_array_equal(both[values != 0], values[values != 0])
        assert (both != values).any() == (value != 0)
    np.testing.assert_array_equal(e.word_map("dog", reading), e.phrase_map([2], reading))


def test_unknown_words_have_no_map_in_units_of_the_score() -> None:
    e = with_values(make_explanation(), [0.25, 0.5, 0.125, 0.25])
    unknown = dataclasses.replace(e.words[3], known=False)
    e = dataclasses.replace(e, words=(*e.words[:3], unknown))
    assert not e.word_map("running").any()
    np.testing.assert_array_equal(e.phrase_map([2, 3]), e.word_map("dog"))


@pytest.mark.parametrize("score", [0.5, -0.25])
def test_the_captions_map_sums_to_the_score(score: float) -> None:
    e = make_explanation(score=score)
    assert e.caption_map().sum() == pytest.approx(score)
    both = e.caption_map(both_signs=True)
    np.testing.assert_array_equal(both > 0, e.signed_map > 0)


def test_a_phrase_may_be_consecutive_words_of_the_caption(e: Explanation) -> None:
    np.testing.assert_array_equal(e.phrase_map("Red-ish dog"), e.phrase_map([1, 2]))
    np.testing.assert_array_equal(e.phrase_map("dog, running"), e.phrase_map(["dog", "running"]))


def test_a_word_may_be_a_text_of_any_case_or_an_index(e: Explanation) -> None:
    np.testing.assert_array_equal(e.word_map("DOG"), e.word_map(2))
    np.testing.assert_array_equal(e.raw_map("DOG"), e.raw_map(2))
    np.testing.assert_array_equal(e.word_map(-1), e.word_map("running"))


def test_without_a_phrase_the_map_is_the_captions(e: Explanation) -> None:
    np.testing.assert_array_equal(e.raw_map(), e.signed_map)
    np.testing.assert_array_equal(e.image_map, np.maximum(e.signed_map, 0))


def test_a_truncated_word_has_a_map_of_zeros() -> None:
    e = make_explanation()
    cut = dataclasses.replace(e.words[3], tokens=(), truncated=True)
    e = dataclasses.replace(e, words=(*e.words[:3], cut))
    assert not e.word_map("running").any()
    assert e.importance("grad-eclip")[3] == e.importance("integrated-gradients")[3] == 0
    assert not e.word_evidence("in caption")[3].any()
    assert e.to_frame(full=True)["read"].tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda e: e.word_map("cat"), ValueError, "'cat'.*: a, red-ish, dog, running"),
        (lambda e: e.word_map(4), IndexError, "word 4.* 4 words"),
        (lambda e: e.word_map(True), ValueError, "True"),
        (lambda e: e.word_map("dog", "sideways"), ValueError, "reading 'sideways'"),
        (lambda e: e.phrase_map("dog red-ish"), ValueError, "'dog red-ish' is not"),
        (lambda e: e.phrase_map(""), ValueError, "'' is not"),
        (lambda e: e.phrase_map(["dog", "cat"]), ValueError, "word 'cat'"),
        (lambda e: e.region_words((61, 0, 70, 10)), ValueError, "outside"),
        (lambda e: e.region_words((0, 0, 9, 9), "loud"), ValueError, "reading 'loud'"),
        (lambda e: e.raw_map("cat"), ValueError, "'cat'"),
        (lambda e: e.raw_map("dog", "loud"), ValueError, "reading 'loud'"),
        (lambda e: e.overlay("cat"), ValueError, "word 'cat'"),
        (lambda e: e.overlay(opacity=2), ValueError, "opacity=2.*0 to 1"),
        (lambda e: e.overlay(sign="up"), ValueError, "sign='up'.*'positive'"),
        (lambda e: e.overlay(color_scale="jett"), ValueError, "scale 'jett'"),
        (lambda e: e.overlay(sign="both"), ValueError, "sign='both'.*single map"),
        (lambda e: e.overlay("dog", caption_map=True), ValueError, "'dog'"),
        (lambda e: e.figure("cat"), ValueError, "word 'cat'"),
    ],
)
def test_errors_name_the_unknown_value(
    e: Explanation, call, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        call(e)


def test_a_word_that_occurs_twice_needs_its_index() -> None:
    e = make_explanation("a dog and a dog")
    with pytest.raises(ValueError, match=r"'dog'.*2 times.*\[1, 4\]"):
        e.word_map("dog")
    with pytest.raises(ValueError, match=r"'a dog'.*2 times"):
        e.phrase_map("a dog")
    assert e.phrase_map("and a dog").shape == GRID


def test_a_region_ranks_the_words_by_their_evidence_in_it(e: Explanation) -> None:
    ranked = e.region_words((25, 14, 35, 26))  # patch (1, 2)
    values = [float(evidence[1, 2]) for evidence in e.word_evidence()]
    assert len(set(values)) > 1
    assert [w.value for w in ranked] == pytest.approx(sorted(values, reverse=True))
    assert [values[w.index] for w in ranked] == pytest.approx([w.value for w in ranked])
    assert [e.words[w.index].text for w in ranked] == [w.text for w in ranked]


def test_words_with_equal_evidence_in_a_region_stay_in_caption_order(e: Explanation) -> None:
    assert [w.index for w in e.region_words((0, 0, 4, 40))] == [0, 1, 2, 3]


def test_evidence_in_the_whole_picture_is_the_whole_importance(e: Explanation) -> None:
    for word in e.region_words((0, 0, *e.image.size), "left out"):
        assert word.value == pytest.approx(float(e.word_importance[word.index]))
        assert word.share == pytest.approx(1)


def test_a_share_is_a_fraction_of_the_positive_evidence(e: Explanation) -> None:
    box = (5, 2, 25, 38)  # the first two columns
    positive = np.maximum(e.raw_map([1, 2]), 0)
    assert e.region_share(box, [1, 2]) == pytest.approx(positive[:, :2].sum() / positive.sum())
    assert (
        e.region_share(box, "dog")
        == {w.text: w.share for w in e.region_words(box, "in caption")}["dog"]
    )


def test_a_word_without_positive_evidence_has_no_share() -> None:
    e = make_explanation(interactions=np.full((6, *GRID), -1.0))
    assert {w.share for w in e.region_words((0, 0, 60, 40), "in caption")} == {0}


ROOT = Path(__file__).parents[2]
