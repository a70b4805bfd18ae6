"""Read a picture of any kind: paths, web addresses, encoded bytes, PIL images, arrays."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ..core.errors import summarize_error
from ..core.paths import path_of, why_missing
from . import remote
from .arrays import MOST_BITS, LoadedImage, from_array, to_rgb
from .formats import check_opened, open_low_bytes, open_picture, raw_mode, use_known_bands


def read_image(source: Any) -> Image.Image:
    """Return a picture as an upright RGB image, with transparency over white; see `read_with_notes`."""
    return read_with_notes(source).image


def read_with_notes(source: Any) -> LoadedImage:
    """Return a picture as an upright RGB image, with transparency over white, and notes on assumptions.

    Args:
        source: path, address (http, https or file), encoded bytes, file open for reading bytes, PIL image, or
            array (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels.

    Raises:
        TypeError: the source is of another kind, or an array of another type.
        ValueError: the source is damaged, empty, too large, not a picture, an array of another shape or
            range, or an address that is not read.
        FileNotFoundError: the file does not exist.
        ConnectionError, TimeoutError: the address cannot be reached, or not in time.
    """
    if isinstance(source, LoadedImage):
        return source
    if isinstance(source, Image.Image):
        return from_image(source)
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(io.BytesIO(source), "the data")
    if isinstance(source, str) and is_web_address(source):
        from .web import fetch

        return decode(io.BytesIO(fetch(source)), repr(source))
    if isinstance(source, str | os.PathLike):
        return _from_path(source)
    if callable(getattr(source, "read", None)):
        return _from_file(source)
    if callable(getattr(source, "__array__", None)):  # an array of another library
        return from_array(np.asarray(source))
    hint = ""
    if isinstance(source, Mapping) and "pixel_values" in source:
        hint = "; from the output of a processor, give ['pixel_values']"
    raise TypeError(
        f"cannot read a picture from {type(source).__name__}: give a path, a web address, bytes, an open "
        f"file, a PIL image, an array (H, W, 3), or a tensor (3, H, W) or (1, 3, H, W){hint}"
    )


def is_web_address(source: str) -> bool:
    """Return whether a text is a web address, not a path."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None


def _from_path(source: str | os.PathLike[Any]) -> LoadedImage:
    address = os.fsdecode(source)
    if remote.is_address(address):
        from .web import MAX_BYTES

        return decode(io.BytesIO(remote.read_file(address, MAX_BYTES)), repr(address))
    path = path_of(source)
    try:
        exists, is_file, is_dir = path.exists(), path.is_file(), path.is_dir()
    except OSError:  # too long for a path
        exists = is_file = is_dir = False
    if is_file:
        with path.open("rb") as file:
            return decode(file, repr(str(path)))
    if is_dir:
        raise ValueError(f"{str(path)!r} is a folder; give the path of a picture in it")
    if exists:
        raise ValueError(f"{str(path)!r} is not an ordinary file; give its bytes, or open it")
    raise FileNotFoundError(f"no picture at {_shortened(source)}{why_missing(source)}")


def _from_file(file: Any) -> LoadedImage:
    """Return the picture in an open file, from its beginning if it can seek; its position does not change."""
    name = getattr(file, "name", None)
    what = repr(name) if isinstance(name, str) else "the file"
    if getattr(file, "closed", False):
        raise ValueError(f"{what} is closed; give its path, or keep it open until it is read")
    position = None
    if callable(getattr(file, "seekable", None)) and file.seekable():
        position = file.tell()
        file.seek(0)
    content = file.read()
    if position is not None:
        file.seek(position)
    if not isinstance(content, bytes | bytearray):
        raise TypeError(f"{what} is open as text; open it as open(path, 'rb')")
    return decode(io.BytesIO(content), what)


def _shortened(source: Any) -> str:
    text = str(source)
    return repr(text if len(text) <= 200 else text[:200] + "…")


_ORIENTATION = 0x0112  # EXIF tag
# Formats whose further "frames" are not pictures to show: depth, thumbnails, layers.
_ONE_PICTURE = ("MPO", "PSD")
_PILLOW = str(Path(PIL.__file__).parent)
# Files that are often mistaken for pictures: how they begin, what they are, and what to do.
_NOT_PICTURES = (
    (b"version https://git-lfs", "a Git LFS pointer in place of a picture; run `git lfs pull`"),
    (b"<!doctype html", "a web page; give the address or the file of the picture itself"),
    (b"<html", "a web page; give the address or the file of the picture itself"),
    (b"%pdf", "a PDF; export the page as PNG"),
    (b"<svg", "an SVG drawing; export it as PNG"),
    (b"<?xml", "an XML document or an SVG drawing; export it as PNG"),
    (b"%!", "an EPS or PostScript file, which is a program; export it as PNG"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file, which is a program; export it as PNG"),
    *(
        (order, "a TIFF whose bands or numbers Pillow cannot read; give an array (H, W, 3) of them")
        for order in (b"ii*\0", b"mm\0*")
    ),
)
_HEIC = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")


def decode(file: BinaryIO, what: str) -> LoadedImage:
    """Return the picture in a file.

    Args:
        file: an open file that can seek.
        what: name of the file in error messages.

    Raises:
        ValueError: the file is empty, damaged, too large or not a picture.
    """
    if not file.seek(0, os.SEEK_END):
        raise ValueError(f"{what} is empty, 0 bytes long; save or download it again")
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    with _readable(what, head) as notes:
        image = open_picture(file)
        if image.format not in _ONE_PICTURE and getattr(image, "is_animated", False):
            notes.append("The file holds several frames or pages: the first one was read.")
        has_16_bits = ";16" in raw_mode(image) and image.mode in ("RGB", "RGBA")
        image, about_bands = use_known_bands(image)
        notes.extend(about_bands)
        upright = ImageOps.exif_transpose(image)
        del image  # its pixels are no longer needed, while others are made
        values = _values_of_16_bits(upright, file) if has_16_bits else None
    try:
        if values is None:
            return _loaded(upright, notes)
        loaded = from_array(values)
        return LoadedImage(loaded.image, (*notes, *loaded.notes))
    except ValueError as error:  # a picture of floats outside the range
        raise ValueError(f"{what}: {error}") from error


def _values_of_16_bits(high: Image.Image, file: BinaryIO) -> NDArray[np.uint16] | None:
    """Return the 16-bit values (H, W, 3 or 4) of a dark picture, whose scale may be less than 16 bits.

    Args:
        high: the upright picture of the high bytes.
        file: its file.

    Returns:
        ``None`` if the colors use more than `MOST_BITS` bits: the high bytes are enough then.
    """
    if max(top for _, top in high.getextrema()[:3]) >> (MOST_BITS - 8):  # type: ignore[misc]
        return None
    with open_low_bytes(file) as opened:
        low = ImageOps.exif_transpose(use_known_bands(opened)[0])
    values = np.asarray(high).astype(np.uint16)
    values *= 256
    values += np.asarray(low)
    return values


def from_image(image: Image.Image) -> LoadedImage:
    """Return a copy of a PIL image, turned by its EXIF orientation.

    Raises:
        ValueError: the image is damaged, its file is closed, it has no pixels, or reading them could run a
            program.
    """
    check_opened(image)
    with _readable("the image") as notes:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        upright = ImageOps.exif_transpose(image)
    if turned and not isinstance(image, ImageFile.ImageFile):
        notes.append(
            "The image was turned as its EXIF orientation says; if its pixels had been turned before, "
            "remove the tag with PIL.ImageOps.exif_transpose instead of turning them."
        )
    if image.format not in _ONE_PICTURE and getattr(image, "is_animated", False):
        notes.append(
            f"The image holds several frames or pages: number {image.tell() + 1} was read."
        )
    return _loaded(upright, notes)


def _loaded(image: Image.Image, notes: list[str]) -> LoadedImage:
    """Return an upright image of any mode as RGB."""
    wide = image.mode in ("I", "F") or image.mode.startswith("I;16")
    loaded = from_array(np.asarray(image)) if wide else to_rgb(image)
    return LoadedImage(loaded.image, (*notes, *loaded.notes))


_catching = threading.RLock()


def _renew_lock() -> None:
    global _catching  # noqa: PLW0603
    _catching = threading.RLock()


# If a process is forked while another thread has the lock, the lock would stay closed in the new process.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextlib.contextmanager
def _readable(what: str, head: bytes = b"") -> Iterator[list[str]]:
    """Raise ``ValueError`` with the reason if Pillow cannot read a picture; collect its warnings as notes.

    Pillow's decoders raise any kind of error on a damaged file, so every exception is treated as one.
    """
    notes: list[str] = []
    # Warnings are caught for the whole process, so that only one thread may do it.
    with _catching, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield notes
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ValueError(
                f"{what} unpacks to more pixels than is safe ({Image.MAX_IMAGE_PIXELS:,}); shrink it "
                "first, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
            ) from error
        except UnidentifiedImageError as error:
            raise ValueError(f"{what} is {_describe_other_file(head)}") from error
        except NotImplementedError as error:
            raise ValueError(
                f"{what} is a picture of a kind that Pillow cannot read ({summarize_error(error)}); "
                "save it as PNG or JPEG"
            ) from error
        except MemoryError:
            raise
        except Exception as error:
            closed = ("closed", "NoneType")  # before Pillow 13 it has no attribute `seek`
            if isinstance(error, AssertionError) or any(part in str(error) for part in closed):
                raise ValueError(
                    f"{what} was not read before its file was closed; call image.load() before that, or "
                    "give the path"
                ) from error
            reason = str(error) or type(error).__name__
            raise ValueError(
                f"{what} is a damaged picture ({reason}); save or download it again"
            ) from error
    for warning in caught:
        if not issubclass(warning.category, UserWarning):
            continue
        if str(warning.filename).startswith(_PILLOW):
            notes.append(f"The picture's file is damaged, but could be read ({warning.message}).")
        else:  # from another thread
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    notes[:] = dict.fromkeys(notes)


def _describe_other_file(head: bytes) -> str:
    """Return the kind of a file that is not a picture, by its first bytes, and what to do."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for prefix, advice in _NOT_PICTURES:
        if start.startswith(prefix):
            return advice
    if head[4:12].lower().startswith(_HEIC):
        return (
            "a HEIC picture, which Pillow cannot read by itself; save it as JPEG, or install pillow-heif and "
            "call pillow_heif.register_heif_opener()"
        )
    return "not a picture; give a file such as PNG, JPEG or WebP"
