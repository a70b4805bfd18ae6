"""Read a picture of any kind."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .arrays import from_array
from .decoding import decode, from_image
from .loaded import LoadedImage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(?i:(data):)")


def read_image(source: Any) -> Image.Image:
    """Return a picture as an upright RGB image, with transparency over white; see `read_with_notes`."""
    return read_with_notes(source).image


def read_with_notes(source: Any) -> LoadedImage:
    """Return a picture as an upright RGB image, with transparency over white, and what was assumed.

    Args:
        source: path, web address (http or https), encoded bytes, file open for reading bytes, PIL image, or
            array (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels.

    Raises:
        TypeError: the source is of another kind, or an array of another type.
        ValueError: it is damaged, empty, too large, no picture, or an array of another shape or range; or its
            address is refused.
        FileNotFoundError: there is no such file.
        ConnectionError, TimeoutError: its address cannot be reached, or not in time.
    """
    if isinstance(source, LoadedImage):
        return source
    if isinstance(source, Image.Image):
        return from_image(source)
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(io.BytesIO(source), "the data given")
    if isinstance(source, str) and is_web_address(source):
        from .web import fetch  # Python's own client takes a moment to import

        return decode(io.BytesIO(fetch(source)), repr(source))
    if isinstance(source, str | os.PathLike):
        return _from_path(source)
    if callable(getattr(source, "read", None)):
        return _from_file(source)
    if callable(getattr(source, "__array__", None)):  # of another library of arrays
        return from_array(np.asarray(source))
    hint = ""
    if isinstance(source, Mapping) and "pixel_values" in source:
        hint = "; of what a processor makes, give ['pixel_values']"
    raise TypeError(
        f"cannot read a picture from {type(source).__name__}: give a path, a web address, bytes, an open "
        f"file, a PIL image, an array (H, W, 3), or a tensor (3, H, W) or (1, 3, H, W){hint}"
    )


def is_web_address(source: str) -> bool:
    """Return whether a text is the address of something on the web, not a path."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None


def _from_path(source: str | os.PathLike[Any]) -> LoadedImage:
    scheme = _SCHEME.match(os.fsdecode(source))
    if scheme:
        raise ValueError(
            f"{_shortened(source)} is an address of {(scheme[1] or scheme[2])!r}: pictures are read from "
            "paths, and from addresses of http and https; download it and give the file's path"
        )
    path = Path(os.fsdecode(source)).expanduser()
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
        raise ValueError(f"{str(path)!r} is no ordinary file; give its bytes, or the file opened")
    raise FileNotFoundError(f"no picture at {_shortened(path)} (looked in {str(Path.cwd())!r})")


def _from_file(file: Any) -> LoadedImage:
    """Return the picture in an open file, from its beginning where it can seek; its position stays."""
    name = getattr(file, "name", None)
    what = repr(name) if isinstance(name, str) else "the file given"
    if getattr(file, "closed", False):
        raise ValueError(f"{what} is closed; give its path, or open it for as long as it is read")
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
