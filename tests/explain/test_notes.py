"""What a reader should know: where two measures of importance contradict each other."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.explain.notes import alike, disagreement

from ..factories import words_of

WORDS = words_of("a dog and a sun")


def note(**measures: list[float]) -> str | None:
    """The sentence on measures of the five words, the first one the default."""
    names = {name.replace("_", "-"): np.array(v, np.float32) for name, v in measures.items()}
    return disagreement(WORDS, names, next(iter(names)))


def test_a_word_on_which_two_measures_differ_is_named_with_both_values() -> None:
    text = note(leave_one_out=[0, 0.15, 0, 0, 0.085], grad_eclip=[0, 0.3, 0.01, 0.02, 0.0])
    assert text == (
        "Two measures disagree on 'sun' (what the score loses without the word: "
        "0.085; Grad-ECLIP share (never negative): 0.000)."
    )


def test_a_word_that_counts_only_by_the_other_measure_is_named_too() -> None:
    text = note(leave_one_out=[-0.01, 0.2, 0, 0, 0.1], integrated_gradients=[0.1, 0.2, 0, 0, 0.1])
    assert text is not None
    assert (
        "'a' (what the score loses without the word: -0.010; integrated gradients: 0.100)" in text
    )


def test_the_two_words_with_the_largest_differences_are_named_in_caption_order() -> None:
    text = note(leave_one_out=[0.1, 0.2, 0.3, 0.16, 0.0], grad_eclip=[0, 0, 0, 0, 0.4])
    assert text is not None
    assert [text.count(f"'{w}'") for w in ("a", "dog", "and", "sun")] == [0, 0, 1, 1]
    assert text.index("'and'") < text.index("'sun'")
    assert text.count(".") == 2 * 2 + 1  # the figures' points, and one sentence's


def test_a_word_is_named_once_with_the_measure_that_differs_most() -> None:
    text = note(
        leave_one_out=[0, 0.2, 0, 0, 0.1],
        grad_eclip=[0, 0.2, 0, 0, 0.002],
        integrated_gradients=[0, 0.2, 0, 0, -0.05],
    )
    assert text is not None
    assert text.count("'sun'") == 1
    assert "integrated gradients: -0.050" in text


@pytest.mark.parametrize(
    ("default", "other", "speaks"),
    [
        ([1, 0.5, 0, 0, 0], [1, 0.02, 0, 0, 0], True),
        ([1, 0.49, 0, 0, 0], [1, 0.02, 0, 0, 0], False),
        ([1, 0.5, 0, 0, 0], [1, 0.03, 0, 0, 0], False),
        ([1, 0.02, 0, 0, 0], [1, 0.5, 0, 0, 0], True),
    ],
)
def test_measures_contradict_at_a_half_against_a_fiftieth(
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


# Maps that look alike

CAPTION = words_of("a red dog and a sun")
_rng = np.random.default_rng(3)
APART = _rng.normal(size=(6, 7, 7))  # unrelated maps
SAME = _rng.normal(size=(1, 7, 7)) + 0.1 * APART


def test_words_with_similar_maps_in_the_caption_are_noted() -> None:
    text = alike(CAPTION, SAME, APART)
    assert text is not None
    assert re.search(r"look alike \(mean rank correlation 0\.9\d\): read each word 'alone'", text)


def test_words_whose_maps_differ_are_not_noted() -> None:
    assert alike(CAPTION, APART, APART) is None
    assert alike(CAPTION, 0.5 * SAME + 0.5 * APART, APART) is None


def test_function_words_are_not_compared() -> None:
    maps = APART.copy()
    maps[[1, 2, 5]] = SAME[[1, 2, 5]]  # red, dog, sun
    assert alike(CAPTION, maps, APART) is not None
    maps[[1, 2, 5]] = APART[[1, 2, 5]]
    maps[[0, 3, 4]] = SAME[[0, 3, 4]]
    assert alike(CAPTION, maps, APART) is None


def test_neighbors_may_look_alike_since_they_often_name_one_thing() -> None:
    maps = APART.copy()
    maps[[1, 2]] = SAME[[1, 2]]  # red, dog
    assert alike(CAPTION, maps, APART) is None
    assert alike(words_of("a red dog"), SAME[:3], APART[:3]) is None


def test_words_that_are_equally_similar_alone_are_not_noted() -> None:
    assert alike(CAPTION, SAME, SAME) is None
    assert alike(CAPTION, SAME, None) is None
    assert alike(words_of("a dog"), SAME[:2], APART[:2]) is None


def test_the_scale_of_a_map_does_not_matter() -> None:
    scales = np.array([1, 1e-6, 3, 1, 1, 40.0])[:, None, None]
    assert alike(CAPTION, SAME * scales, APART) == alike(CAPTION, SAME, APART)
    assert alike(CAPTION, np.exp(SAME), APART) == alike(CAPTION, SAME, APART)


def test_an_explanation_has_the_note(clip: gw.ClipModel, scene: Scene) -> None:
    """GAME gives every word of a caption the caption's map, times its relevance."""
    caption = "a dog and a red circle"
    (note,) = [n for n in gw.Explainer(clip, "game")(scene.image, caption).notes if "alike" in n]
    assert "(mean rank correlation 1.00)" in note
    assert not [n for n in gw.Explainer(clip)(scene.image, caption).notes if "alike" in n]
