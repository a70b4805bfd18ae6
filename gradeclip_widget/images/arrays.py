"""Arrays and images of any mode as 8-bit RGB, and maps on patches as pixels."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture that was read.

    Attributes:
        image: upright RGB.
        notes: sentences for the reader: assumptions about the picture, and problems of its file.
    """

    image: Image.Image = field(repr=False)
    notes: tuple[str, ...] = ()


_STRIP_PIXELS = 2**20
MOST_BITS = 14  # of cameras and microscopes: 16-bit integers below may have a smaller scale
_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of 8, 10, 12, 14 and 16 bits

# The beginnings of names of sRGB profiles; the last two are small profiles that web services write.
_SRGB = ("srgb", "urgb", "c2")


def to_rgb(image: Image.Image) -> LoadedImage:
    """Return an image with 8 bits per channel, of any mode, as RGB, with transparency over white.

    An RGB image without transparency is returned itself.

    Raises:
        ValueError: the image has no pixels.
    """
    if not image.width or not image.height:
        raise ValueError(f"the image has no pixels ({image.width} x {image.height})")
    notes = _notes_on_color(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() == (0, 0):
            notes.append("The picture is transparent all over, so it was read as white.")
        elif image.getchannel("A").getextrema() != (255, 255):
            notes.append("Where the picture is transparent, it was laid over white.")
        image = _over_white(image)
    return LoadedImage(image if image.mode == "RGB" else image.convert("RGB"), tuple(notes))


def _over_white(image: Image.Image) -> Image.Image:
    """Return an RGBA image over white, as RGB; in strips, since a whole copy may take much memory."""
    out = Image.new("RGB", image.size)
    for top in range(0, image.height, rows := _rows_of_strip(image.width)):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        white = Image.new("RGBA", strip.size, "white")
        out.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
    return out


def _rows_of_strip(width: int) -> int:
    return max(1, _STRIP_PIXELS // width)


def _notes_on_color(image: Image.Image) -> list[str]:
    profile = _profile_name(image)
    if image.mode == "CMYK":
        return ["The picture is in CMYK and was converted to RGB without a color profile."]
    if profile and not profile.lower().startswith(_SRGB):
        return [f"The picture's colors are in {profile!r}; they were read as if they were sRGB."]
    return []


def _profile_name(image: Image.Image) -> str:
    """Return the name of an image's color profile; "" if it has none that can be read."""
    data = image.info.get("icc_profile")
    if not data:
        return ""
    from PIL import ImageCms  # few pictures need it

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))).strip()
    except (ImageCms.PyCMSError, OSError, ImportError):  # damaged, or Pillow without LittleCMS
        return ""


_SLACK = 0.01  # how far floats may exceed their range after resampling, as a fraction of it
_CHANNELS = (1, 3, 4)

Array = np.ndarray[Any, Any]


def is_channels_first(shape: tuple[int, ...], *, preferred: bool = False) -> bool:
    """Return whether an array of this shape is (C, H, W) rather than (H, W, C).

    Args:
        shape: of three axes.
        preferred: whether it is (C, H, W) if both are possible.
    """
    first, last = shape[0] in _CHANNELS, shape[2] in _CHANNELS
    return first and (preferred or not last)


def from_array(array: Array, *, channels_first: bool = False) -> LoadedImage:
    """Return 8-bit RGB from an array of 8 or 16-bit integers, or of floats in 0..1 or 0..255.

    Args:
        array: (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels, or a batch of one of these.
        channels_first: whether it is (C, H, W) if (H, W, C) is possible too.

    Raises:
        TypeError: it contains no numbers.
        ValueError: it has another shape, no pixels, or values outside the range.
    """
    shape, notes = " x ".join(map(str, array.shape)), []
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    elif array.ndim == 4 and (array.shape[1] in _CHANNELS or array.shape[3] in _CHANNELS):
        raise ValueError(f"{len(array)} pictures in one array ({shape}); give list(array)")
    if array.ndim == 3 and is_channels_first(array.shape, preferred=channels_first):
        if array.shape[2] in _CHANNELS:
            notes.append(f"Of {shape} values, the first axis was read as that of the channels.")
        array = np.moveaxis(array, 0, -1)
    elif array.ndim == 3 and array.shape[0] in _CHANNELS:
        notes.append(f"Of {shape} values, the last axis was read as that of the channels.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _CHANNELS):
        raise ValueError(f"an array must be (H, W), (H, W, 3), (H, W, 4) or (3, H, W), not {shape}")
    if not array.size:
        raise ValueError(f"the array has no pixels ({shape})")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    elif array.ndim == 3 and array.dtype == np.uint8 and "cv2" in sys.modules:
        notes.append(
            "The array was read as red, green, blue. OpenCV, which is loaded, has blue first: if it read "
            "the picture, give array[..., ::-1]."
        )
    loaded = _from_values(array)
    return LoadedImage(loaded.image, (*notes, *loaded.notes))


def _from_values(array: Array) -> LoadedImage:
    """Return 8-bit RGB from values (H, W), (H, W, 3) or (H, W, 4) of any scale."""
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    is_float = np.issubdtype(array.dtype, np.floating)
    if not (is_float or np.issubdtype(array.dtype, np.integer)):
        raise TypeError(
            f"an array of {array.dtype} is not a picture; give uint8, or floats in 0..1"
        )
    low, high = float(array.min()), float(array.max())
    if not np.isfinite((low, high)).all():  # NaN and infinity reach the least or the greatest value
        raise ValueError("the array contains NaN or infinite values; replace them first")
    colors = array if array.ndim == 2 else array[..., :3]
    top, slack = high if is_float else float(colors.max()), 0.0
    if is_float:
        limit = next((scale for scale in (1.0, 255.0) if high <= scale * (1 + _SLACK)), 65535.0)
        slack = limit * _SLACK
    else:
        limit = next((scale for scale in _SCALES if top <= scale), 65535.0)
    if low < -slack or top > limit + slack:
        raise ValueError(
            f"array values run from {low:g} to {top:g}; give 0..1, 0..255 or 16-bit 0..65535 "
            "(a normalized picture goes in as a tensor (1, 3, H, W))"
        )
    scaled = array if array.dtype == np.uint8 else _scaled(array, limit)
    loaded = to_rgb(Image.fromarray(np.ascontiguousarray(scaled)))
    notes = _notes_on_scale(array.dtype, float(colors.min()), top, limit)
    return LoadedImage(loaded.image, (*notes, *loaded.notes))


def _scaled(array: Array, limit: float) -> NDArray[np.uint8]:
    """Return colors on the scale 0..limit as bytes, and transparency on that of its type, in strips."""
    out = np.empty(array.shape, np.uint8)
    scale = np.full(array.shape[2:], limit)
    if array.shape[2:] == (4,) and array.dtype == np.uint16:
        scale[3] = 65535.0
    for top in range(0, len(array), rows := _rows_of_strip(array.shape[1])):
        strip = np.clip(array[top : top + rows], 0, scale)
        out[top : top + rows] = np.rint(strip * (255.0 / scale))
    return out


def _notes_on_scale(dtype: np.dtype[Any], low: float, high: float, limit: float) -> tuple[str, ...]:
    """Return a note if the scale of the values is uncertain.

    Bytes have the scale 0..255 unless they are a mask, and floats up to 1 have the scale 0..1. Other values
    that stay in the lower half may have a smaller scale, and integers have the smallest scale of whole bits,
    as a camera's 12 bits in 16.
    """
    if dtype == np.uint8:
        sure = high != 1
    else:
        usual = limit in (1.0, 65535.0) or (limit == 255.0 and dtype != np.uint16)
        sure = usual and not (limit > 1 and 0 < high <= limit / 2)
    if sure:
        return ()
    note = (
        f"The array's values run from {low:g} to {high:g} and were read on the scale 0..{limit:g}; "
        "if theirs is another, scale them to 0..1 first."
    )
    return (note,)


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map on patches (rows, cols) as pixels (height, width), bilinear between patch centers.

    Args:
        values: the map.
        size: (width, height) in pixels.
    """
    resized = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)
