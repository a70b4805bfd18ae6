"""What people give an explainer first: several pictures, what a processor makes, tensors, open files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as TF
from transformers import BatchEncoding

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene, sample_scene

CAPTIONS = ["a dog", "a red circle"]


@pytest.fixture(scope="module")
def quick(clip: gw.ClipModel) -> gw.Explainer:
    return gw.Explainer(clip, readings=False)


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return [sample_scene(seed).image for seed in (3, 5)]


def test_several_pictures_are_explained_as_each_alone(
    quick: gw.Explainer, pictures: list[Image.Image]
) -> None:
    one = quick(pictures, "a dog")
    several = quick(tuple(pictures), CAPTIONS)
    assert [e.caption for e in one] == ["a dog"] * 2
    assert [[e.caption for e in row] for row in several] == [CAPTIONS] * 2
    for picture, e, row in zip(pictures, one, several, strict=True):
        alone = quick(picture, CAPTIONS)
        assert e.score == row[0].score == alone[0].score
        assert row[1].score == alone[1].score
        assert np.array_equal(e.interactions, alone[0].interactions)
        assert e.image.tobytes() == picture.tobytes()


def test_encoded_pictures_may_be_in_the_list(
    quick: gw.Explainer, pictures: list[Image.Image]
) -> None:
    encoded = [quick.encode(picture) for picture in pictures]
    assert [e.score for e in quick(encoded, "a dog")] == [e.score for e in quick(pictures, "a dog")]


def test_an_error_says_which_of_several_pictures_it_was(
    quick: gw.Explainer, pictures: list[Image.Image]
) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        quick([pictures[0], "nowhere.png"], "a dog")
    assert raised.value.__notes__ == ["This was picture 2 of 2."]
    with pytest.raises(ValueError, match="the list of pictures is empty"):
        quick([], "a dog")
    with pytest.raises(TypeError, match="cannot read a picture from list"):
        quick.scores(pictures, CAPTIONS)


def test_what_a_processor_makes_of_captions_is_refused(
    clip: gw.ClipModel, quick: gw.Explainer, scene: Scene
) -> None:
    made: Any = BatchEncoding({"input_ids": torch.zeros(1, 24, dtype=torch.long)})
    said = "not the BatchEncoding that a processor makes of them: give the texts themselves"
    for ask in (quick, quick.scores, lambda image, made: gw.explore(image, made, clip)):
        with pytest.raises(TypeError, match=said):
            ask(scene.image, made)


def test_a_single_caption_has_one_score(quick: gw.Explainer, scene: Scene) -> None:
    assert quick.scores(scene.image, "a dog").shape == (1,)


def test_the_first_kinds_of_pictures_that_people_try_give_the_pictures_score(
    quick: gw.Explainer, scene: Scene
) -> None:
    buffer = io.BytesIO()
    scene.image.save(buffer, "PNG")
    expected = quick(scene.image, "a dog")
    for source in (buffer, TF.to_tensor(scene.image), TF.to_tensor(scene.image)[None]):
        e = quick(source, "a dog")
        assert e.score == expected.score
        assert any("within 0..1" in note for note in e.notes) == isinstance(source, torch.Tensor)


def test_the_models_own_preprocessing_may_have_been_run_before(
    clip: gw.ClipModel, quick: gw.Explainer, scene: Scene
) -> None:
    own = clip.image_processor.crop(scene.image)
    expected = gw.Explainer(clip, readings=False, fit="crop")(scene.image, "a dog")
    for pixels in (own, own[None]):
        e = quick(pixels, "a dog")
        assert e.score == pytest.approx(expected.score, abs=1e-6)
        assert e.notes == expected.notes


def test_a_widget_shows_what_was_assumed_of_its_picture(clip: gw.ClipModel, scene: Scene) -> None:
    transparent = scene.image.copy()
    transparent.putalpha(128)
    for source, said in (
        (transparent, "it was laid over white"),
        (TF.to_tensor(scene.image)[None], "within 0..1"),
        ((np.asarray(scene.image).astype(np.uint16) * 16), "on the scale 0..65535"),
    ):
        widget = gw.explore(source, "a dog", clip)
        assert any(said in note for note in widget._payloads[0]["header"]["notes"])
        widget.prompt = "a red circle"
        widget.wait()
        assert any(said in note for note in widget.explanation.notes)
        widget.close()
