"""What is kept is what the model gives now: weights that change are noticed wherever something is kept."""

from __future__ import annotations

import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.demo.scenes import Scene
from gradeclip_widget.explain.vocabulary_maps import word_embeddings

WORDS = gw.Vocabulary("animals", ("dog", "cat", "fox"))


@pytest.fixture
def clip() -> gw.ClipModel:
    """A model of the test's own, which it changes."""
    return gw.load("demo", device="cpu")


def tune(clip: gw.ClipModel) -> None:
    """Take a step as an optimizer does."""
    with torch.no_grad():
        for weights in clip.model.parameters():
            weights.add_(0.05 * torch.randn_like(weights))


def test_words_are_embedded_again_after_the_weights_change(
    clip: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(clip)
    before = explainer.vocabulary_maps(scene.image, WORDS).maps
    tune(clip)
    after = explainer.vocabulary_maps(scene.image, WORDS).maps
    fresh = gw.Vocabulary("the same", WORDS.words)
    assert after == pytest.approx(explainer.vocabulary_maps(scene.image, fresh).maps, abs=1e-6)
    assert abs(after - before).max() > 1e-3


def test_words_are_embedded_once_if_the_model_does_not_change(
    clip: gw.ClipModel, scene: Scene
) -> None:
    def embed() -> torch.Tensor:
        with clip.inference_context():
            return word_embeddings(clip, WORDS)

    first = embed()
    gw.Explainer(clip)(scene.image, "a dog")
    assert embed().data_ptr() == first.data_ptr()


def test_a_picture_encoded_before_the_weights_change_raises(
    clip: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(clip)
    encoded = explainer.encode(scene.image)
    explainer(encoded, "a dog")
    tune(clip)
    with pytest.raises(ValueError, match="demo has changed"):
        explainer(encoded, "a dog")


def test_a_widget_shows_the_result_of_the_changed_model(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, "a dog", clip)
    before = widget.explanation.score
    widget.prompt = "a cat"
    widget.wait(60)
    tune(clip)
    widget.prompt = "a dog"
    widget.wait(60)
    assert widget.explanation.score == pytest.approx(
        gw.Explainer(clip)(scene.image, "a dog").score, abs=1e-6
    )
    assert abs(widget.explanation.score - before) > 1e-4
    widget.close()


def test_a_widget_follows_its_model_to_another_type_and_device(
    clip: gw.ClipModel, scene: Scene
) -> None:
    """A device without values stands for one that cannot be used."""
    widget = gw.explore(scene.image, "a dog", clip)
    for n, dtype in enumerate((torch.float64, torch.bfloat16, torch.float32)):
        clip.model.to(dtype)
        widget.prompt = "a dog " * (n + 2)
        widget.wait(60)
        alone = gw.Explainer(clip)(scene.image, widget.prompt)
        assert (widget.status, widget.explanation.score) == ("ready", alone.score)
    clip.model.to("meta")
    widget.prompt = "a cat"
    widget.wait(60)
    assert widget.status == "error"
    assert "'meta'" in widget.error
    widget.close()
