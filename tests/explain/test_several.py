"""Several pictures, outputs of processors, tensors and open files as inputs of an explainer."""

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

from ..fakes import explored

CAPTIONS = ["a dog", "a red circle"]


@pytest.fixture(scope="module")
def quick(clip: gw.ClipModel) -> gw.Explainer:
    return gw.Explainer(clip, readings=False)


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return [sample_scene(seed).image for seed in (3, 5)]


def test_several_pictures_have_the_same_explanations_as_each_alone(
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


def test_an_error_names_the_number_of_the_picture(
    quick: gw.Explainer, pictures: list[Image.Image]
) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        quick([pictures[0], "nowhere.png"], "a dog")
    assert raised.value.__notes__ == ["This was picture 2 of 2."]
    with pytest.raises(ValueError, match=r"pictures.*empty"):
        quick([], "a dog")
    with pytest.raises(TypeError, match="picture from list"):
        quick.scores(pictures, CAPTIONS)


def test_the_output_of_a_processor_is_not_a_caption(
    clip: gw.ClipModel, quick: gw.Explainer, scene: Scene
) -> None:
    output: Any = BatchEncoding({"input_ids": torch.zeros(1, 24, dtype=torch.long)})
    for function in (quick, quick.scores, lambda image, text: gw.explore(image, text, clip)):
        with pytest.raises(TypeError, match="BatchEncoding"):
            function(scene.image, output)


def test_a_single_caption_has_one_score(quick: gw.Explainer, scene: Scene) -> None:
    (score,) = quick.scores(scene.image, "a dog")
    assert score == pytest.approx(quick(scene.image, "a dog").score)


def test_buffers_and_tensors_have_the_same_score_as_the_picture(
    quick: gw.Explainer, scene: Scene
) -> None:
    buffer = io.BytesIO()
    scene.image.save(buffer, "PNG")
    expected = quick(scene.image, "a dog")
    for source in (buffer, TF.to_tensor(scene.image), TF.to_tensor(scene.image)[None]):
        e = quick(source, "a dog")
        assert e.score == expected.score
        assert any("between 0 and 1" in note for note in e.notes) == isinstance(
            source, torch.Tensor
        )


def test_a_picture_may_be_preprocessed_already(
    clip: gw.ClipModel, quick: gw.Explainer, scene: Scene
) -> None:
    preprocessed = clip.image_processor.crop(scene.image)
    expected = gw.Explainer(clip, readings=False, fit="crop")(scene.image, "a dog")
    for pixels in (preprocessed, preprocessed[None]):
        e = quick(pixels, "a dog")
        assert e.score == pytest.approx(expected.score, abs=1e-6)
        assert e.notes == expected.notes


def test_a_widget_shows_the_notes_on_its_picture(clip: gw.ClipModel, scene: Scene) -> None:
    transparent = scene.image.copy()
    transparent.putalpha(128)
    for source, words in (
        (transparent, "it was laid over white"),
        (TF.to_tensor(scene.image)[None], "between 0 and 1"),
        ((np.asarray(scene.image).astype(np.uint16) * 16), "on the scale 0..4095"),
    ):
        widget = explored(source, "a dog", clip)
        assert any(words in note for note in widget._payloads[0]["header"]["notes"])
        widget.prompt = "a red circle"
        widget.wait()
        assert any(words in note for note in widget.explanation.notes)
        widget.close()
