"""Measures of a model, without masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.evaluation import (
    ExplainedShare,
    SilentWords,
    WordSeparation,
    demo_examples,
    evaluate,
)

from .handmade import LEFT, by_hand, example, patches

RAMP = np.arange(64, dtype=np.float32).reshape(8, 8)


def grouped(result: Any) -> dict[str, float]:
    table = result.table
    return dict(zip(table[result.grouped_by], table["mean"], strict=True))


def test_equal_maps_correlate_and_opposite_ones_do_not() -> None:
    """In "a dog and a cat" the dog's map rises, the cat's falls, and the function words' are the dog's."""
    same = {"a": RAMP, "dog": RAMP, "and": RAMP, "cat": RAMP}
    apart = same | {"cat": -RAMP}
    assert grouped(WordSeparation()(by_hand(same), [example()], progress=False)) == {
        "content words": pytest.approx(1),
        "content and function words": pytest.approx(1),
    }
    assert grouped(WordSeparation()(by_hand(apart), [example()], progress=False)) == {
        "content words": pytest.approx(-1),
        "content and function words": pytest.approx(0),
    }


def test_words_of_one_thing_are_not_a_pair() -> None:
    maps = {"dog": RAMP, "cat": RAMP, "and": -RAMP, "a": -RAMP}
    together = example(**{"dog and a cat": LEFT})
    result = grouped(WordSeparation()(by_hand(maps), [together], progress=False))
    assert result == {"content and function words": pytest.approx(-1)}  # only with the first "a"


def test_function_words_can_be_those_of_another_language() -> None:
    maps = {"a": RAMP, "dog": RAMP, "and": RAMP, "cat": -RAMP}
    measure = WordSeparation(function_words=frozenset({"cat"}))
    result = measure(by_hand(maps), [example()], progress=False)
    assert result.label == "word separation"
    assert grouped(result)["content and function words"] == pytest.approx(-1)


def test_a_word_without_importance_that_the_score_needs_is_silent() -> None:
    """Without "dog" or "cat" the score loses a tenth or more, and "cat" has no importance."""
    effects = {"word_effects": np.array([0, 0.2, 0.01, 0, 0.1])}
    importance = {"token_importance": np.array([0.5, 0.5, 0, 0, 0])}
    explain = by_hand({}, score=0.5, **effects, **importance)
    result = SilentWords(importance="grad-eclip")(explain, [example()], progress=False)
    assert result.examples[["word", "value"]].to_numpy().tolist() == [["dog", 0], ["cat", 1]]
    stricter = SilentWords(costs=0.3, importance="grad-eclip")(explain, [example()], progress=False)
    assert stricter.examples["word"].tolist() == ["dog"]


def test_silent_words_need_the_scores_without_words() -> None:
    with pytest.raises(ValueError, match="readings=True"):
        SilentWords()(by_hand({}), [example()], progress=False)


def test_the_share_of_the_explained_blocks() -> None:
    blocks = {
        "image_block_shares": np.array([0.5, -0.25, 0.25]),
        "image_layers": 2,
        "text_block_shares": np.array([-3.0, 1.0]),
        "text_layers": 1,
    }
    result = ExplainedShare()(
        by_hand({"dog": patches(LEFT)}, **blocks), [example()], progress=False
    )
    assert grouped(result) == {"image": 0.5, "text": 0.25}


def test_the_embedded_models_maps_differ_between_words(clip: gw.ClipModel) -> None:
    measures = [WordSeparation(), SilentWords(), ExplainedShare()]
    methods = {"Grad-ECLIP": gw.Explainer(clip), "attention": gw.Explainer(clip, "self-attention")}
    results = evaluate(methods, demo_examples(4, 490_000), measures, progress=False)
    words = results["word separation"].table.set_index(["method", "pairs"])["mean"]
    assert words["Grad-ECLIP", "content words"] < 0.3
    assert words["attention", "content words"] == pytest.approx(1)
    silent = results["silent words"].table.set_index("method")["mean"]
    assert silent["Grad-ECLIP"] == 0
