"""What a reader should know: where two measures of importance contradict each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.explain.notes import disagreement

from ..factories import words_of

WORDS = words_of("a dog and a sun")


def note(**measures: list[float]) -> str | None:
    """The sentence on measures of the five words, the first one the default."""
    names = {name.replace("_", "-"): np.array(v, np.float32) for name, v in measures.items()}
    return disagreement(WORDS, names, next(iter(names)))


def test_a_word_that_counts_by_one_measure_and_not_by_another_is_named_with_both_figures() -> None:
    said = note(leave_one_out=[0, 0.15, 0, 0, 0.085], grad_eclip=[0, 0.3, 0.01, 0.02, 0.0])
    assert said == (
        "Two measures of importance contradict each other on 'sun' (what the score loses without the word: "
        "0.085; Grad-ECLIP share of the score: 0.000)."
    )


def test_a_word_that_counts_only_by_the_other_measure_is_named_too() -> None:
    said = note(leave_one_out=[-0.01, 0.2, 0, 0, 0.1], integrated_gradients=[0.1, 0.2, 0, 0, 0.1])
    assert said is not None
    assert (
        "'a' (what the score loses without the word: -0.010; integrated gradients: 0.100)" in said
    )


def test_at_most_two_words_are_named_those_furthest_apart_in_caption_order() -> None:
    said = note(leave_one_out=[0.1, 0.2, 0.3, 0.16, 0.0], grad_eclip=[0, 0, 0, 0, 0.4])
    assert said is not None
    assert [said.count(f"'{w}'") for w in ("a", "dog", "and", "sun")] == [0, 0, 1, 1]
    assert said.index("'and'") < said.index("'sun'")
    assert said.count(".") == 2 * 2 + 1  # the figures' points, and one sentence's


def test_a_word_is_named_once_by_the_measure_that_is_furthest_from_the_default() -> None:
    said = note(
        leave_one_out=[0, 0.2, 0, 0, 0.1],
        grad_eclip=[0, 0.2, 0, 0, 0.002],
        integrated_gradients=[0, 0.2, 0, 0, -0.05],
    )
    assert said is not None
    assert said.count("'sun'") == 1
    assert "integrated gradients: -0.050" in said


@pytest.mark.parametrize(
    ("default", "other", "speaks"),
    [
        ([1, 0.5, 0, 0, 0], [1, 0.02, 0, 0, 0], True),
        ([1, 0.49, 0, 0, 0], [1, 0.02, 0, 0, 0], False),
        ([1, 0.5, 0, 0, 0], [1, 0.03, 0, 0, 0], False),
        ([1, 0.02, 0, 0, 0], [1, 0.5, 0, 0, 0], True),
    ],
)
def test_measures_contradict_from_a_half_against_a_fiftieth_on(
    default: list[float], other: list[float], speaks: bool
) -> None:
    scaled = [v / 8 for v in other]  # each by its own largest importance
    assert (note(leave_one_out=default, grad_eclip=scaled) is not None) == speaks


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.floats(0.05, 3),
    st.lists(st.floats(0.8, 1.25), min_size=5, max_size=5),
)
def test_measures_that_agree_to_within_a_quarter_are_not_noted(
    values: list[float], scale: float, wobble: list[float]
) -> None:
    other = [v * scale * w for v, w in zip(values, wobble, strict=True)]
    assert note(leave_one_out=values, grad_eclip=other) is None


def test_a_measure_of_zeros_contradicts_none() -> None:
    assert note(leave_one_out=[0, 0.2, 0, 0, 0.1], grad_eclip=[0, 0, 0, 0, 0]) is None
    assert note(leave_one_out=[0, -0.2, 0, 0, -0.1], grad_eclip=[0, 0.2, 0, 0, 0.1]) is None


def test_one_measure_cannot_contradict_itself() -> None:
    assert note(grad_eclip=[0, 0.2, 0, 0, 0.1]) is None
