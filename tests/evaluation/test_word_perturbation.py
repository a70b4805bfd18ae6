"""Words deleted and inserted, checked against captions written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.evaluation import Example, WordDeletion, WordInsertion, demo_examples

from .handmade import by_hand, explained


def ordered(*words: str) -> Any:
    """An explainer with these words as the important ones, the first most important."""

    def explain(image: Any, caption: str) -> Any:
        e = explained(image, caption, {})
        values = [len(words) - words.index(w.text) if w.text in words else 0 for w in e.words]
        return type(e)(**vars(e) | {"token_importance": np.array(values) / sum(values)})

    return explain


CAPTION = "dog and red circle"
METHODS_ORDER = ("dog", "red", "circle", "and")


@pytest.fixture
def methods(explainer: gw.Explainer) -> dict[str, Any]:
    return {
        "by hand": ordered(*METHODS_ORDER),
        "reversed": ordered(*METHODS_ORDER[::-1]),
        "model": explainer,
    }


def test_the_curve_is_the_score_of_the_caption_without_its_words(
    methods: dict[str, Any], explainer: gw.Explainer, scene: Scene
) -> None:
    result = WordDeletion("grad-eclip")(methods, [Example(scene.image, CAPTION)], progress=False)
    captions = [CAPTION, "and red circle", "and circle"]
    whole, *scores = explainer.scores(scene.image, captions)
    by_hand = np.interp(np.linspace(0, 0.5, 6), [0, 0.25, 0.5], [1, *(scores / whole)])
    assert result.curves is not None
    curve = result.curves[result.curves["method"] == "by hand"]
    np.testing.assert_allclose(curve["mean"], by_hand, rtol=1e-4)
    area = np.mean((by_hand[1:] + by_hand[:-1]) / 2)
    values = result.table.set_index("method")["mean"]
    assert values["by hand"] == pytest.approx(area, rel=1e-4)


def test_words_are_inserted_in_the_captions_order(
    methods: dict[str, Any], explainer: gw.Explainer, scene: Scene
) -> None:
    result = WordInsertion("grad-eclip")(methods, [Example(scene.image, CAPTION)], progress=False)
    whole, *scores = explainer.scores(scene.image, [CAPTION, "and", "and circle"])
    by_hand = np.interp(np.linspace(0, 0.5, 6), [0.25, 0.5], scores / whole)
    assert result.curves is not None
    curve = result.curves[result.curves["method"] == "reversed"]
    np.testing.assert_allclose(curve["mean"], by_hand, rtol=1e-4)


def test_the_names_of_the_things_are_more_important_than_function_words(
    methods: dict[str, Any], scene: Scene
) -> None:
    example = [Example(scene.image, CAPTION)]
    for measure in (WordDeletion("grad-eclip"), WordInsertion("grad-eclip")):
        table = measure(methods, example, progress=False).table["method"].tolist()
        assert table.index("by hand") < table.index("reversed")


def test_a_caption_of_one_word_is_not_measured(explainer: gw.Explainer, scene: Scene) -> None:
    with pytest.raises(ValueError, match="two words"):
        WordDeletion()(explainer, [Example(scene.image, "dog")], progress=False)


def test_words_past_the_context_length_are_not_deleted(
    explainer: gw.Explainer, scene: Scene
) -> None:
    sentence = "a dog and a red circle "
    (tokens,) = explainer.clip.tokens([sentence * 24])
    read = sum(bool(word.tokens) for word in tokens.words)
    assert 0 < read < len(tokens.words)
    long = Example(scene.image, sentence * 24)
    cut = Example(scene.image, " ".join(word.text for word in tokens.words[:read]))
    curves = [
        WordDeletion("grad-eclip")(explainer, [one], progress=False).curves for one in (long, cut)
    ]
    np.testing.assert_allclose(*(curve["mean"] for curve in curves), rtol=1e-4)


def test_a_measure_whose_requirement_no_example_meets_is_left_out(
    explainer: gw.Explainer, scene: Scene
) -> None:
    examples = [Example(scene.image, "dog")]
    measures = [WordDeletion(), gw.evaluation.ExplainedShare()]
    with pytest.warns(UserWarning, match="left out word deletion"):
        result = gw.evaluation.evaluate(explainer, examples, measures, progress=False)
    assert list(result) == ["explained share"]


def test_words_of_equal_importance_are_ordered_by_the_seed(explainer: gw.Explainer) -> None:
    methods = {"even": by_hand({}), "model": explainer}
    examples = list(demo_examples(4, 490_000))

    def values(seed: int) -> list[float]:
        result = WordDeletion("grad-eclip")(methods, examples, seed=seed, progress=False)
        return result.examples["value"].tolist()

    assert values(0) == values(0) != values(1)
