"""Pictures of every kind are read and fitted, and the map lies on the right part of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image, ImageOps
from timm.data import create_transform
from torchvision import transforms
from torchvision.transforms import functional as TF

import gradeclip_widget as gw
from gradeclip_widget.clip.preprocessing import MAX_PATCHES, ImageProcessor, Picture
from gradeclip_widget.clip.preprocessing.transforms import KNOWN
from gradeclip_widget.demo import Scene
from gradeclip_widget.images import read_image

from ..factories import picture

RED, WHITE = (200, 30, 40), (255, 255, 255)


@pytest.fixture(scope="module")
def processor() -> ImageProcessor:
    """The processor of a model of 224 px with patches of 16."""
    vision = CLIPVisionCfg(layers=1, width=64, head_width=32, patch_size=16, image_size=224)
    text = CLIPTextCfg(context_length=16, vocab_size=49408, width=32, heads=2, layers=1)
    transform = image_transform_v2(PreprocessCfg(size=(224, 224)), is_train=False)
    model = CLIP(32, vision, text).eval()
    return gw.ClipModel(
        model, transform, open_clip.SimpleTokenizer(context_length=16)
    ).image_processor


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def center(image: Image.Image) -> tuple[int, ...]:
    return image.getpixel((image.width // 2, image.height // 2))  # type: ignore[return-value]


# Kinds of pictures


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_common_format_is_read(kind: str) -> None:
    image = read_image(encoded(Image.new("RGB", (20, 10), RED), kind))
    assert image.size == (20, 10)
    assert np.abs(np.subtract(center(image), RED)).max() <= 8


def test_a_path_a_string_bytes_and_an_image_are_the_same_picture(tmp_path: Path) -> None:
    original = picture()
    path = tmp_path / "a picture.png"
    path.write_bytes(encoded(original))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), original):
        assert read_image(source).tobytes() == original.tobytes()


def test_the_picture_is_a_copy() -> None:
    original = picture()
    copy = read_image(original)
    original.paste((0, 0, 0), (0, 0, 60, 40))
    assert copy.tobytes() == picture().tobytes()


@pytest.mark.parametrize("mode", ["CMYK", "P", "L", "1", "HSV", "YCbCr", "LAB", "RGBA", "LA", "PA"])
def test_every_color_mode_is_read_as_rgb(mode: str) -> None:
    image = read_image(Image.new(mode, (9, 9)))
    assert image.mode == "RGB"
    assert image.size == (9, 9)


def test_a_cmyk_photograph_keeps_its_colors() -> None:
    image = read_image(encoded(Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG"))
    assert np.abs(np.subtract(center(image), RED)).max() <= 16


def test_a_palette_keeps_its_colors_and_shows_white_where_it_is_transparent() -> None:
    image = Image.new("P", (20, 10))
    image.putpalette([*RED, 0, 0, 255])
    image.paste(1, (10, 0, 20, 10))
    loaded = read_image(encoded(image, transparency=1))
    assert loaded.getpixel((2, 5)) == RED
    assert loaded.getpixel((15, 5)) == WHITE


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (20, 10), (*RED, 0))
    image.paste((0, 0, 0, 128), (10, 0, 20, 10))
    loaded = read_image(encoded(image))
    assert loaded.getpixel((2, 5)) == WHITE
    assert loaded.getpixel((15, 5)) == (127, 127, 127)


def test_sixteen_bits_are_scaled_and_not_cut() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    image = read_image(encoded(Image.fromarray(ramp)))
    np.testing.assert_allclose(np.asarray(image)[0, :, 0], np.arange(256), atol=1)


def test_gray_has_three_equal_channels() -> None:
    image = np.asarray(read_image(encoded(picture().convert("L"))))
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_arrays_of_bytes_and_of_floats_are_the_same_picture(channels: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (8, 9, *channels)).astype(np.uint8)
    values.flat[:2] = 0, 255
    expected = read_image(values).tobytes()
    for array in (values / 255, (values / 255).astype(np.float32), values.astype(float)):
        assert read_image(array).tobytes() == expected
    for array in (values.astype(np.int64), values.astype(np.uint16) * 257):
        assert read_image(array).tobytes() == expected


def test_floats_slightly_outside_0_to_1_are_still_read_as_0_to_1() -> None:
    array = np.full((4, 4, 3), 0.5)
    array[0], array[1] = 1.0000002, -1e-7
    assert np.asarray(read_image(array))[:, 0, 0].tolist() == [255, 0, 128, 128]


def test_a_mask_is_black_and_white() -> None:
    assert np.unique(np.asarray(read_image(np.eye(4, dtype=bool)))).tolist() == [0, 255]


def test_a_normalized_tensor_is_shown_as_its_picture(processor: ImageProcessor) -> None:
    prepared = processor.prepare(picture((224, 224)))
    again = processor.prepare(prepared.pixels)
    np.testing.assert_allclose(
        np.asarray(again.image, int), np.asarray(prepared.image, int), atol=1
    )
    assert torch.equal(again.pixels, prepared.pixels)
    assert again.cover == (0, 0, 224, 224)


# Errors


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"not a picture", "is not a picture"),
        (b"%PDF-1.7\n", "is a PDF"),
        (encoded(picture((300, 300)))[:600], "is a damaged picture"),
        (encoded(picture((300, 300)), "JPEG")[:900], "is a damaged picture"),
    ],
    ids=["zero bytes", "text", "PDF", "truncated PNG", "truncated JPEG"],
)
def test_bad_bytes_are_refused_in_a_file_and_in_memory(
    data: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"bad.png' {message}"):
        read_image(path)
    with pytest.raises(ValueError, match=f"the data {message}"):
        read_image(data)


def test_a_truncated_picture_that_the_user_opened_is_refused_too() -> None:
    image = Image.open(io.BytesIO(encoded(picture((300, 300)), "JPEG")[:900]))
    with pytest.raises(ValueError, match="damaged"):
        read_image(image)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_picture_with_wrong_bytes_is_read_or_refused(data: st.DataObject) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"]))
    content = bytearray(encoded(picture(), kind, **({} if kind == "GIF" else {"exif": exif})))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_image(bytes(content)).mode == "RGB"
    except ValueError as error:
        assert str(error).startswith("the data ")  # noqa: PT017


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = encoded(Image.new("1", (400, 400)))
    for limit in (100_000, 1_000):  # Pillow warns past the limit and raises past twice of it
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match="more pixels"):
            read_image(bomb)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4), np.inf), "NaN"),
        (np.zeros((2, 8, 8)), "2 x 8 x 8"),
        (np.zeros((2, 4, 4, 3)), r"list\(array\)"),
        (np.zeros((0, 4, 3)), "no pixels.*0 x 4 x 3"),
        (np.full((4, 4, 3), -1.0), "normalized"),
        (np.full((4, 4), 70_000), "70000"),
        (Image.new("RGB", (0, 5)), "no pixels.*0 x 5"),
        (Image.fromarray(np.full((4, 4), np.nan, np.float32)), "NaN"),
        ("ftp://example.org/a.png", "'ftp'"),
    ],
)
def test_invalid_arrays_and_addresses_are_refused(array: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_image(array)


@pytest.mark.parametrize("thing", [None, 3, ["a.png"], {"a": 1}])
def test_other_types_are_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match=f"from {type(thing).__name__}"):
        read_image(thing)


@pytest.mark.parametrize("array", [np.array([["a"]]), np.ones((4, 4), complex)])
def test_an_array_without_numbers_is_refused(array: Any) -> None:
    with pytest.raises(TypeError, match="uint8"):
        read_image(array)


def test_a_missing_path_is_named_with_the_current_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.png.*looked in"):
        read_image("nowhere.png")
    with pytest.raises(ValueError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(2, 3, 224, 224), r"list\(tensor\)"),
        (torch.zeros(2, 8, 8), "2 x 8 x 8"),
        (torch.randn(1, 3, 225, 224), "16 x 16 px.*225 x 224"),
        (torch.zeros(1, 3, 0, 224), r"no pixels.*\(1, 3, 0, 224\)"),
        (torch.full((1, 3, 224, 224), torch.nan), "NaN"),
        (torch.randn(1, 3, 65 * 16, 64 * 16), "4096 patches"),
    ],
)
def test_an_invalid_tensor_is_refused(
    processor: ImageProcessor, tensor: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        processor.prepare(tensor)


# Fitting


@given(st.integers(1, 900), st.integers(1, 900))
@settings(max_examples=40, deadline=None)
def test_a_whole_picture_keeps_its_aspect_ratio(width: int, height: int) -> None:
    processor = ImageProcessor((224, 224), (16, 16), (0.5,) * 3, (0.5,) * 3, *_CROPPING)
    try:
        prepared = processor.prepare(Image.new("RGB", (width, height)))
    except ValueError as error:
        assert max(width, height) / min(width, height) > 20, error  # noqa: PT017
        return
    assert prepared.cover == (0, 0, width, height)
    rows, cols = (side // 16 for side in prepared.pixels.shape[2:])
    assert rows * cols <= MAX_PATCHES
    assert min(rows, cols) == 14
    assert abs(cols - rows * width / height) <= 0.5 * max(1, width / height) + 1


_CROPPING = (
    image_transform_v2(PreprocessCfg(size=(224, 224)), is_train=False).transforms[0].interpolation,
    image_transform_v2(PreprocessCfg(size=(224, 224)), is_train=False),
    "shortest",
)


def test_a_single_pixel_is_a_picture(processor: ImageProcessor) -> None:
    prepared = processor.prepare(Image.new("RGB", (1, 1), RED))
    assert prepared.pixels.shape == (1, 3, 224, 224)
    assert prepared.cover == (0, 0, 1, 1)


@pytest.mark.parametrize("size", [(20_000, 3), (3, 20_000)])
def test_a_ribbon_is_refused_as_a_whole_but_can_be_squashed_or_cropped(
    processor: ImageProcessor, size: tuple[int, int]
) -> None:
    ribbon = Image.new("RGB", size)
    with pytest.raises(ValueError, match="fit='squash' or fit='crop'"):
        processor.prepare(ribbon)
    assert processor.prepare(ribbon, "squash").pixels.shape == (1, 3, 224, 224)
    cropped: list[Image.Image] = []
    recording = replace(processor, crop=lambda i: (cropped.append(i), processor.crop(i))[1])
    x0, y0, x1, y1 = recording.prepare(ribbon, "crop").cover
    assert max(cropped[-1].size) == 48  # the whole ribbon would be enlarged to a gigabyte
    assert (x1 - x0, y1 - y0) == (3, 3)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (448, 224), (225, 224), (5000, 200)])
def test_the_cover_of_a_crop_is_what_the_models_preprocessing_shows(
    processor: ImageProcessor, size: tuple[int, int]
) -> None:
    image = picture(size)
    prepared = processor.prepare(image, "crop")
    again = image.crop(tuple(round(v) for v in prepared.cover)).resize((224, 224), Image.BICUBIC)  # type: ignore[arg-type]
    std, mean = (torch.tensor(v)[:, None, None] for v in (processor.std, processor.mean))
    seen = ((prepared.pixels[0] * std + mean) * 255).permute(1, 2, 0).numpy()
    assert np.abs(seen - np.asarray(again, float)).mean() < 3


def test_the_pixels_of_a_crop_are_those_of_the_models_preprocessing(
    processor: ImageProcessor,
) -> None:
    image = picture((300, 200))
    assert torch.equal(processor.prepare(image, "crop").pixels[0], processor.crop(image))


@pytest.mark.parametrize("mode", ["shortest", "squash"])
def test_pixels_outside_whole_patches_are_not_covered(
    mode: str,
) -> None:
    """SigLIP's models of 384 px have patches of 14 px: the last 6 px are in no patch."""
    crop = image_transform_v2(PreprocessCfg(size=(384, 384), resize_mode=mode), is_train=False)
    processor = ImageProcessor(
        (384, 384), (14, 14), (0.5,) * 3, (0.5,) * 3, _CROPPING[0], crop, mode
    )
    seen = processor.prepare(picture((768, 768)), "crop", None)
    assert seen.pixels.shape == (1, 3, 384, 384)
    assert seen.cover == pytest.approx((0, 0, 756, 756))
    again = processor.prepare(seen.pixels, "whole", None)
    assert torch.equal(again.pixels, seen.pixels)
    assert again.cover == (0, 0, 378, 378)
    with pytest.raises(ValueError, match=r"14 x 14 px.*385 x 384"):
        processor.prepare(torch.randn(1, 3, 385, 384), "whole", None)


def test_a_model_that_is_not_square_crops_that_shape() -> None:
    crop = image_transform_v2(PreprocessCfg(size=(96, 192)), is_train=False)
    processor = ImageProcessor(
        (96, 192), (16, 16), (0.5,) * 3, (0.5,) * 3, _CROPPING[0], crop, "shortest"
    )
    x0, y0, x1, y1 = processor.prepare(Image.new("RGB", (400, 400)), "crop").cover
    assert (x1 - x0) / (y1 - y0) == pytest.approx(2)
    assert 0 <= x0 < x1 <= 400
    assert 0 <= y0 < y1 <= 400


@pytest.mark.parametrize(("mode", "crop_mode"), [("squash", "squash"), ("shortest", "shortest")])
def test_the_crop_mode_is_read_from_the_preprocessing(
    clip: gw.ClipModel, mode: str, crop_mode: str
) -> None:
    own = image_transform_v2(PreprocessCfg(size=(112, 112), resize_mode=mode), is_train=False)
    processor = ImageProcessor.from_transform(clip.model, own, (16, 16))
    assert processor.crop_mode == crop_mode
    whole = processor.prepare(Image.new("RGB", (400, 200)), "crop").cover == (0, 0, 400, 200)
    assert whole == (mode == "squash")


def test_a_model_that_pads_pictures_has_no_crop(clip: gw.ClipModel) -> None:
    own = image_transform_v2(PreprocessCfg(size=(224, 224), resize_mode="longest"), is_train=False)
    with pytest.raises(ValueError, match="pads pictures, so it has no fit='crop'"):
        ImageProcessor.from_transform(clip.model, own, (16, 16)).prepare(
            Image.new("RGB", (400, 200)), "crop"
        )


def test_preprocessing_that_does_not_normalize_is_refused(clip: gw.ClipModel) -> None:
    model = open_clip.model.CLIP.__new__(open_clip.model.CLIP)
    torch.nn.Module.__init__(model)
    model.visual = torch.nn.Identity()
    with pytest.raises(ValueError, match="Normalize"):
        ImageProcessor.from_transform(model, lambda image: image, (16, 16))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fit": "stretch"}, ValueError, "'stretch'.*'squash'"),
        ({"resolution": 8}, ValueError, "at least 16"),
        ({"resolution": -5}, ValueError, "below one patch"),
        ({"resolution": 5000}, ValueError, "312 x 469 patches, more than 4096"),
        ({"resolution": 1.5}, TypeError, "resolution.*1.5"),
        ({"resolution": True}, TypeError, "resolution.*True"),
        ({"fit": "crop", "resolution": 448}, ValueError, "resolution=448"),
    ],
)
def test_invalid_options_are_refused(
    processor: ImageProcessor, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        processor.prepare(picture((300, 200)), **options)


# The place of the map


def rotated_file(image: Image.Image, orientation: int) -> bytes:
    """A lossless file of turned pixels, with the EXIF orientation that makes them upright."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image.transpose(turns[orientation]), exif=exif)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_rotated_photograph_is_shown_upright(orientation: int) -> None:
    assert read_image(rotated_file(picture(), orientation)).tobytes() == picture().tobytes()


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_map_of_a_rotated_photograph_lies_on_the_object(
    explainer: gw.Explainer, scene: Scene, orientation: int
) -> None:
    wide = ImageOps.expand(scene.image, (0, 0, 112, 0), "white")
    upright = explainer(wide, scene.caption)
    turned = explainer(rotated_file(wide, orientation), scene.caption)
    assert turned.image.size == (336, 224)
    np.testing.assert_allclose(turned.interactions, upright.interactions, atol=1e-6)
    thing = next(o for o in scene.objects if o.name == "dog")
    assert turned.region_words(thing.box)[0].text == "dog"


def test_the_pixels_of_a_picture_are_on_the_cpu(processor: ImageProcessor) -> None:
    prepared = processor.prepare(picture())
    assert isinstance(prepared, Picture)
    assert prepared.pixels.dtype == torch.float32
    assert prepared.pixels.device.type == "cpu"


# Tensors: a picture, or normalized


def as_tensor(image: Image.Image) -> torch.Tensor:
    return TF.to_tensor(image)


@pytest.mark.parametrize(
    "convert",
    [
        as_tensor,
        lambda image: as_tensor(image)[None],
        lambda image: as_tensor(image).half(),
        lambda image: as_tensor(image).double().requires_grad_(),
        lambda image: as_tensor(image).numpy(),
        lambda image: as_tensor(image).numpy()[None],
        lambda image: as_tensor(image) * 255,
    ],
    ids=["3HW", "13HW", "half", "double", "array 3HW", "array 13HW", "0..255"],
)
def test_a_tensor_of_floats_in_the_range_of_pictures_is_a_picture_with_a_note(
    processor: ImageProcessor, convert: Callable[[Image.Image], Any]
) -> None:
    image = picture((300, 200))
    loaded = processor.prepare(convert(image))
    assert loaded.image.tobytes() == image.tobytes()
    assert torch.equal(loaded.pixels, processor.prepare(image).pixels)
    (note,) = loaded.notes
    assert "between 0 and 1" in note or "scale 0..255" in note


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: torch.from_numpy(np.array(image)),
        lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1),
        lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1)[None],
    ],
    ids=["HW3", "3HW", "13HW"],
)
def test_a_tensor_of_bytes_is_a_picture_without_a_note(
    processor: ImageProcessor, convert: Callable[[Image.Image], Any]
) -> None:
    loaded = processor.prepare(convert(picture((300, 200))))
    assert loaded.image.tobytes() == picture((300, 200)).tobytes()
    assert loaded.notes == ()


def pale(image: Image.Image) -> Image.Image:
    """A picture whose normalized values are in 0..1."""
    return image.point(lambda v: 135 + v // 7)


@pytest.mark.parametrize("look", [lambda image: image, pale], ids=["plain", "pale"])
@pytest.mark.parametrize("batch", [True, False])
def test_a_tensor_normalized_for_the_model_is_used_unchanged(
    processor: ImageProcessor, look: Callable[[Image.Image], Image.Image], batch: bool
) -> None:
    prepared = processor.prepare(look(picture((224, 224)))).pixels
    loaded = processor.prepare(prepared if batch else prepared[0])
    assert torch.equal(loaded.pixels, prepared)
    assert loaded.notes == ()


def test_the_pale_picture_is_in_0_to_1_when_normalized(processor: ImageProcessor) -> None:
    low, high = processor.prepare(pale(picture((224, 224)))).pixels.aminmax()
    assert 0 <= low < high <= 1


def test_a_tensor_normalized_for_another_model_is_noted(processor: ImageProcessor) -> None:
    image = TF.to_tensor(picture((224, 224)))
    for name, (mean, std) in KNOWN.items():
        (loaded,) = (processor.prepare(TF.normalize(image, mean, std)),)
        message = f"mean and standard deviation of {name}, which are not this model's"
        assert any(message in note for note in loaded.notes) == (name != "OpenAI's CLIP")


def test_a_tensor_of_unknown_origin_is_noted(processor: ImageProcessor) -> None:
    drawn = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    (note,) = processor.prepare(drawn).notes
    assert "taken as normalized" in note
    assert "instead of 0 to 1" in note
    (note,) = processor.prepare(drawn.clamp(-1.2, 1.7)).notes
    assert (
        note == "The tensor was taken as normalized with this model's mean and standard deviation."
    )


def test_from_normalized_takes_a_tensor_as_normalized(processor: ImageProcessor) -> None:
    zeros = torch.zeros(1, 3, 224, 224)  # the mean color, and black as a picture
    assert processor.prepare(zeros).image.getpixel((0, 0)) == (0, 0, 0)
    own = processor.from_normalized(zeros)
    again = processor.prepare(own)
    assert torch.equal(again.pixels, zeros)
    assert again.image.getpixel((0, 0)) == tuple(int(m * 255) for m in processor.mean)
    assert again.notes == ()
    with pytest.raises(ValueError, match=r"\(1, 1, 8, 8\)"):
        processor.from_normalized(torch.zeros(1, 1, 8, 8))


def test_options_without_effect_on_a_normalized_tensor_are_noted(
    processor: ImageProcessor,
) -> None:
    prepared = processor.prepare(picture((448, 224))).pixels
    (note,) = processor.prepare(prepared, "crop", 448).notes
    assert "448 x 224 px: resolution=448 and fit='crop' had no effect" in note
    square = processor.prepare(picture((224, 224))).pixels
    assert processor.prepare(square, "crop", 224).notes == ()


# Assumptions about a preprocessing


def processor_of(clip: gw.ClipModel, *steps: Any) -> ImageProcessor:
    return ImageProcessor.from_transform(clip.model, transforms.Compose(steps), (16, 16))


def test_steps_of_the_preprocessing_that_are_left_out_are_named(clip: gw.ClipModel) -> None:
    own = clip.image_processor
    normalize = transforms.Normalize(own.mean, own.std)
    sized = transforms.Resize(own.image_size), transforms.ToTensor()
    processor = processor_of(clip, transforms.Grayscale(3), transforms.Compose(sized), normalize)
    (note,) = processor.prepare(picture()).notes
    assert "were left out: Grayscale" in note
    assert processor.prepare(picture(), "crop").notes == ()
    assert processor_of(clip, *sized, normalize).prepare(picture()).notes == ()


def test_a_missing_step_of_the_preprocessing_is_noted(clip: gw.ClipModel) -> None:
    clip.model.visual.image_mean, clip.model.visual.image_std = (0.5,) * 3, (0.25,) * 3
    try:
        loaded = processor_of(clip, transforms.ToTensor()).prepare(picture())
        assert "no Normalize step that can be read" in loaded.notes[0]
        assert "bicubic was used" in loaded.notes[1]
        other = transforms.Normalize((0.4,) * 3, (0.25,) * 3)
        loaded = processor_of(clip, transforms.Resize(112), transforms.ToTensor(), other).prepare(
            picture()
        )
        assert "with mean (0.4, 0.4, 0.4) and" in loaded.notes[0]
        assert "the model's configuration has (0.5, 0.5, 0.5)" in loaded.notes[0]
    finally:
        del clip.model.visual.image_mean, clip.model.visual.image_std


def test_the_preprocessing_of_timm_and_of_padding_models_is_read(clip: gw.ClipModel) -> None:
    """Their statistics are tensors, and their steps have other names."""
    own = ImageProcessor.from_transform(
        clip.model, create_transform((3, 112, 112), interpolation="bilinear"), (16, 16)
    )
    assert own.mean == pytest.approx((0.485, 0.456, 0.406))
    assert own.interpolation is TF.InterpolationMode.BILINEAR
    padding = PreprocessCfg(size=(112, 112), resize_mode="longest", interpolation="bilinear")
    padded = image_transform_v2(padding, is_train=False)
    own = ImageProcessor.from_transform(clip.model, padded, (16, 16))
    assert (own.crop_mode, own.interpolation) == ("longest", TF.InterpolationMode.BILINEAR)
    assert own.prepare(picture()).notes == ()
