"""The strip of pictures: thumbnails look like the large picture."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.export.picture import THUMBNAIL_SIDE, thumbnail
from gradeclip_widget.widget.backend.picture_list import PictureList

from ..factories import picture
from ..fakes import explored


@pytest.fixture
def tensor(clip: gw.ClipModel, scene: Scene) -> torch.Tensor:
    """A normalized picture of low contrast: its values span only a part of the range."""
    pale = Image.blend(scene.image, Image.new("RGB", scene.image.size, "#b0a090"), 0.7)
    return clip.image_processor.prepare(pale).pixels


def decoded(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded)).convert("RGB")


def test_the_thumbnail_of_a_tensor_has_the_colors_of_the_large_picture(
    clip: gw.ClipModel, tensor: torch.Tensor
) -> None:
    widget = explored([tensor, picture()], "a dog", clip)
    stage = decoded(widget._payloads[0]["image"])
    strip = decoded(widget._pictures[0]["thumbnail"])
    assert max(strip.size) == THUMBNAIL_SIDE
    small = stage.resize(strip.size, Image.Resampling.LANCZOS)
    difference = np.abs(np.asarray(strip, int) - np.asarray(small, int))
    assert difference.mean() < 3
    assert widget._pictures[0]["thumbnail"] == thumbnail(widget.explanation.image)


def test_the_thumbnail_of_a_tensor_depends_on_the_model(
    clip: gw.ClipModel, tensor: torch.Tensor
) -> None:
    pictures = PictureList()
    pictures.add(pictures.read(tensor))
    pictures.add(pictures.read(picture()))
    processor_of_model = clip.image_processor
    other = dataclasses.replace(processor_of_model, mean=(0.5,) * 3, std=(0.5,) * 3)
    entries = {processor: pictures.entries(processor) for processor in (processor_of_model, other)}
    for processor, (first, _) in entries.items():
        assert first["thumbnail"] == thumbnail(processor.visible(tensor))
    assert entries[processor_of_model][0] != entries[other][0]
    assert entries[processor_of_model][1] == entries[other][1]


def test_a_thumbnail_is_encoded_once(clip: gw.ClipModel, tensor: torch.Tensor) -> None:
    pictures = PictureList()
    for image in (tensor, picture()):
        pictures.add(pictures.read(image))
    once, again = (pictures.entries(clip.image_processor) for _ in range(2))
    assert all(a["thumbnail"] is b["thumbnail"] for a, b in zip(once, again, strict=True))


def test_a_tensor_that_is_not_finite_has_a_thumbnail_too(clip: gw.ClipModel) -> None:
    pictures = PictureList()
    pictures.add(pictures.read(torch.full((1, 3, 16, 16), float("nan"))))
    assert decoded(pictures.entries(clip.image_processor)[0]["thumbnail"]).size == (16, 16)


def test_pictures_have_the_names_of_their_files_and_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a dog.png"
    picture().save(path)
    monkeypatch.setattr("gradeclip_widget.images.web.fetch", lambda _: path.read_bytes())
    pictures, address = PictureList(), "https://example.org/photos/a%20cat.png?width=640"
    assert pictures.read(str(path)).name == "a dog.png"
    assert (pictures.read(address).name, pictures.read(address).path) == ("a cat.png", address)
    with path.open("rb") as file:
        assert pictures.read(file).name == "a dog.png"
    assert pictures.read(io.BytesIO(path.read_bytes())).name == "picture 1"
    assert pictures.read(path, "mine").name == "mine"


def test_thumbnails_do_not_depend_on_the_scale_of_a_tensor(
    clip: gw.ClipModel, scene: Scene
) -> None:
    pictures = PictureList()
    raw = torch.from_numpy(np.array(scene.image)).permute(2, 0, 1)
    for image in (scene.image, raw, raw / 255, (raw / 255)[None]):
        pictures.add(pictures.read(image))
    first, *others = pictures.entries(clip.image_processor)
    assert all(entry["thumbnail"] == first["thumbnail"] for entry in others)


def test_a_normalized_picture_is_not_normalized_again(clip: gw.ClipModel) -> None:
    gray = clip.image_processor.from_normalized(torch.zeros(1, 3, 112, 112))
    widget = gw.explore(gray, "a dog", clip)
    assert widget._resolutions == []
    assert widget.explanation.image.tobytes() == gray.image.tobytes()
