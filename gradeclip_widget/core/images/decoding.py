"""Encoded pictures and PIL images, upright and in RGB."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ..errors import summarize_error
from .arrays import from_array
from .color import to_rgb
from .loaded import LoadedImage

_ORIENTATION = 0x0112  # EXIF tag
# Several "frames" of these are no others to look at: depth and thumbnails of a photograph, layers.
_ONE_PICTURE = ("MPO", "PSD")
_PILLOW = str(Path(PIL.__file__).parent)
# What is often taken for a picture: the start of its content, what it is, and what to do.
_OTHERS = (
    (b"version https://git-lfs", "a Git LFS pointer in place of a picture; run `git lfs pull`"),
    (b"<!doctype html", "a web page; give the address or the file of the picture itself"),
    (b"<html", "a web page; give the address or the file of the picture itself"),
    (b"%pdf", "a PDF; export the page as PNG"),
    (b"<svg", "an SVG drawing; export it as PNG"),
    (b"<?xml", "an XML document or an SVG drawing; export it as PNG"),
)
_HEIC = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")


def decode(file: BinaryIO, what: str) -> LoadedImage:
    """Return the picture in a file.

    Args:
        file: open, and can seek.
        what: what to call the file in errors.

    Raises:
        ValueError: it is empty, damaged, too large or no picture.
    """
    if not file.seek(0, os.SEEK_END):
        raise ValueError(f"{what} is empty, 0 bytes long; save or download it again")
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    with _readable(what, head) as notes, Image.open(file) as image:
        if image.format not in _ONE_PICTURE and getattr(image, "is_animated", False):
            notes.append("The file holds several frames or pages: the first one was read.")
        upright = ImageOps.exif_transpose(image)
    try:
        return _loaded(upright, notes)
    except ValueError as error:  # values of floats that are none of a picture
        raise ValueError(f"{what}: {error}") from error


def from_image(image: Image.Image) -> LoadedImage:
    """Return a copy of a PIL image, turned as its EXIF orientation says.

    Raises:
        ValueError: it is damaged, its file is closed, or it has no pixels.
    """
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


@contextlib.contextmanager
def _readable(what: str, head: bytes = b"") -> Iterator[list[str]]:
    """Raise ``ValueError`` with the reason where Pillow cannot read a picture; collect its warnings as notes.

    Pillow's decoders raise whatever a damaged file leads them to, so every exception is one of its file.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
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
            raise ValueError(f"{what} is {_instead(head)}") from error
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
        else:  # of another thread, which ran meanwhile
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    notes[:] = dict.fromkeys(notes)


def _instead(head: bytes) -> str:
    """Return what a file is that holds no picture, and what to do, by its first bytes."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for begin, instead in _OTHERS:
        if start.startswith(begin):
            return instead
    if head[4:12].lower().startswith(_HEIC):
        return (
            "a HEIC picture, which Pillow cannot read by itself; save it as JPEG, or install pillow-heif and "
            "call pillow_heif.register_heif_opener()"
        )
    return "not a picture that Pillow can read; give PNG, JPEG, WebP or the like"
