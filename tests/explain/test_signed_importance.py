"""What each word adds to the score: the values add up, and a wrong word lowers the score."""

from __future__ import annotations

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.shapley import WordGame
from gradeclip_widget.demo import Scene, sample_scene

CAPTIONS = (
    "a dog",
    "a dog and a red circle",
    "a photo of a dog, a cat, a sun and a red circle next to two green trees",
    "dog!!! (red)",
    "circle",
)


@pytest.fixture(scope="module")
def shapes() -> Scene:
    return sample_scene(500_020, objects=["red circle", "blue square"])


@pytest.mark.parametrize("caption", CAPTIONS)
def test_the_values_and_the_empty_score_add_up_to_the_score(
    caption: str, explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, caption)
    assert e.importance_measures[0] == "shapley"
    assert e.base() == e.empty_score
    assert e.importance().sum(dtype=float) + e.base() == pytest.approx(e.score, abs=1e-6)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_the_empty_caption_has_only_special_tokens(
    caption: str, explainer: gw.Explainer, scene: Scene
) -> None:
    e, clip = explainer(scene.image, caption), explainer.clip
    with clip.inference_context():
        (empty,) = clip.embed([clip.tokenizer.add_special_tokens([])])
        expected = float(empty @ explainer.encode(scene.image).embedding)
    assert e.empty_score == pytest.approx(expected, abs=1e-6)


def test_the_values_equal_those_from_scores_of_shorter_captions(
    explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, "a dog, a cat")
    game = WordGame.of(e.words)
    assert game.players == ((1,), (3,), (0, 2))
    texts = ["", "dog,", "cat", "dog, cat", "a a", "a dog, a", "a a cat", "a dog, a cat"]
    scores = [e.empty_score, *explainer.scores(scene.image, texts[1:])]
    np.testing.assert_allclose(e.importance(), game.values(np.array(scores)), atol=1e-6)


def test_a_word_for_something_that_is_not_there_lowers_the_score(
    explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, "a dog, a bicycle and a red circle")
    bicycle = e.word_index("bicycle")
    assert e.importance()[bicycle] < 0
    assert e.lowering_words() == (bicycle,)
    assert bicycle not in [w for h in e.highlights() for w in h.words]
    (note,) = e.notes
    without = e.score - e.importance("leave-one-out")[bicycle]
    assert note.startswith("'bicycle' lowers the score by ")
    assert f"(without it: {without:.3f})" in note


def test_a_wrong_color_lowers_the_score_and_the_right_one_raises_it(
    explainer: gw.Explainer, shapes: Scene
) -> None:
    e = explainer(shapes.image, "a green circle and a blue square")
    values = dict(zip([w.text for w in e.words], e.importance(), strict=True))
    assert values["green"] < 0 < values["blue"]


def test_an_unknown_word_has_no_importance_and_no_evidence(
    explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, "a velociraptor and a dog")
    strange, dog = e.word_index("velociraptor"), e.word_index("dog")
    for measure in ("shapley", "evidence"):
        assert e.importance(measure)[strange] == 0 < e.importance(measure)[dog]
        assert strange not in [w for h in e.highlights(measure) for w in h.words]
    assert not e.word_evidence()[strange].any()
    # What it changes all the same is not any word's.
    known = e.empty_score + e.importance().sum(dtype=float)
    assert known == pytest.approx(
        float(explainer.scores(scene.image, ["a and a dog"])[0]), abs=1e-6
    )


def test_a_slow_method_has_shapley_values(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "m2ib", method_options={"steps": 1})(scene.image, "a dog")
    assert e.readings == ("in caption",)
    assert e.importance_measures[:2] == ("shapley", "evidence")
    assert e.importance().sum(dtype=float) + e.base() == pytest.approx(e.score, abs=1e-6)


def test_without_readings_no_further_caption_is_scored(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, readings=False)(scene.image, "a dog")
    assert (e.shapley, e.empty_score, e.word_effects) == (None, None, None)
