"""Read pictures of any kind as upright RGB images, and enlarge maps to pixels."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

_SLACK = 0.01  # of the range: how far resampling may overshoot it in an array of floats


def read_image(source: Any) -> Image.Image:
    """Return a picture as an upright RGB image, with transparency over white.

    Args:
        source: path, encoded bytes, PIL image, or array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Raises:
        TypeError: the source is of another kind, or an array of another type.
        ValueError: it is damaged, empty, too large, no picture, or an array of another shape or range.
        FileNotFoundError: there is no such file.
    """
    if isinstance(source, Image.Image):
        with _readable("the image"):
            upright = _upright(source)
        return _rgb(upright)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return _decode(io.BytesIO(source), "the data given")
    if isinstance(source, str | os.PathLike):
        if str(source).startswith(("http://", "https://")):
            raise ValueError(f"{source!r} is a web address; download it and give the file's path")
        path = Path(source).expanduser()
        if path.is_dir():
            raise ValueError(f"{str(path)!r} is a folder; give the path of a picture in it")
        if not path.exists():
            raise FileNotFoundError(f"no picture at {str(path)!r} (looked in {str(Path.cwd())!r})")
        with path.open("rb") as file:
            return _decode(file, repr(str(path)))
    raise TypeError(
        f"cannot read a picture from {type(source).__name__}: give a path, bytes, a PIL image, "
        "an array (H, W, 3), or a normalized tensor (1, 3, H, W)"
    )


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map on patches (rows, cols) as pixels (height, width), bilinear between patch centers.

    Args:
        values: the map.
        size: (width, height) in pixels.
    """
    resized = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)


def _decode(file: BinaryIO, what: str) -> Image.Image:
    """Return the picture in a file; ``what`` names the file in errors."""
    if not file.seek(0, os.SEEK_END):
        raise ValueError(f"{what} is empty, 0 bytes long; save or download it again")
    file.seek(0)
    with _readable(what), Image.open(file) as image:
        upright = _upright(image)
    return _rgb(upright)


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy turned as its EXIF orientation says."""
    return ImageOps.exif_transpose(image)


@contextlib.contextmanager
def _readable(what: str) -> Iterator[None]:
    """Raise ``ValueError`` with the reason where Pillow cannot read a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(
            f"{what} unpacks to more pixels than is safe ({Image.MAX_IMAGE_PIXELS:,}); shrink it first, or "
            "raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
        ) from error
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{what} is not a picture that Pillow can read; give PNG, JPEG, WebP or the like"
        ) from error
    except (OSError, SyntaxError, EOFError, ValueError, struct.error) as error:
        raise ValueError(
            f"{what} is a damaged picture ({error}); save or download it again"
        ) from error


def _rgb(image: Image.Image) -> Image.Image:
    """Return an image of any mode as RGB."""
    if not image.width or not image.height:
        raise ValueError(f"the image has no pixels ({image.width} x {image.height})")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_array(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    """Return 8-bit RGB from an array of 8 or 16-bit integers, or of floats in 0..1 or 0..255."""
    shape = " x ".join(map(str, array.shape))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"an array must be (H, W), (H, W, 3) or (H, W, 4), not {shape}")
    if not array.size:
        raise ValueError(f"the array has no pixels ({shape})")
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if not (np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)):
        raise TypeError(
            f"an array of {array.dtype} is not a picture; give uint8, or floats in 0..1"
        )
    if not np.isfinite(array).all():
        raise ValueError("the array holds NaN or infinite values; replace them first")
    low, high = float(array.min()), float(array.max())
    slack = 0.0
    if np.issubdtype(array.dtype, np.floating):
        limit = next((top for top in (1.0, 255.0) if high <= top * (1 + _SLACK)), 65535.0)
        slack = limit * _SLACK
    else:
        limit = 65535.0 if array.dtype == np.uint16 or high > 255 else 255.0
    if low < -slack or high > limit + slack:
        raise ValueError(
            f"array values run from {low:g} to {high:g}; give 0..1, 0..255 or 16-bit 0..65535 "
            "(a normalized picture goes in as a tensor (1, 3, H, W))"
        )
    scaled = array
    if array.dtype != np.uint8:
        scaled = np.rint(np.clip(array, 0, limit) * (255.0 / limit))
    return _rgb(Image.fromarray(np.ascontiguousarray(scaled, dtype=np.uint8)))
