"""A row of any source as pairs: one for each of its captions."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.regions import Box
from ...images.read import is_web_address
from ..pairs import FailedPair, Pair
from .columns import text_of

_LISTS = (list, tuple, np.ndarray)


@dataclass(frozen=True, slots=True)
class Row:
    """What a source says of one picture.

    Attributes:
        key: the id of its pair, or what the ids of its pairs begin with.
        image: as `Pair.image`, with the path of a file on disk already whole; ``None`` where it is missing.
        place: as `Pair.place`.
        captions: one, a list of them, or ``None`` where there is none.
        box: four numbers, or a text of them; ``None`` where there is none.
        problem: why the row cannot be read at all; empty where it can.
    """

    key: str
    image: Any
    place: str
    captions: Any
    box: Any = None
    problem: str = ""


def captions_in(captions: Any) -> int:
    """Return how many pairs a row with these captions makes; one, a failed one, where there are none."""
    return max(len(captions), 1) if isinstance(captions, _LISTS) else 1


def pairs_of(row: Row, position: int) -> list[Pair | FailedPair]:
    """Return the pairs of a row; ids of listed captions are ``KEY#1``, ``KEY#2``, ...

    Args:
        row: the row.
        position: that of its first pair.
    """
    if not isinstance(row.captions, _LISTS):
        return [_pair(row, row.key, position, row.captions)]
    if not len(row.captions):
        return [_pair(row, row.key, position, None)]
    return [
        _pair(row, f"{row.key}#{n}", position + n - 1, caption)
        for n, caption in enumerate(row.captions, 1)
    ]


def _pair(row: Row, key: str, position: int, caption: Any) -> Pair | FailedPair:
    text = caption.strip() if isinstance(caption, str) else ""

    def failed(error: type[Exception], reason: str) -> FailedPair:
        shown = (_writable(value) for value in (key, text, row.place))
        name, said, place = shown
        return FailedPair(name, position, said, place, "source", error.__name__, _writable(reason))

    if row.problem:
        return failed(ValueError, row.problem)
    if not isinstance(caption, str) and not is_missing(caption):
        kind = type(caption).__name__
        return failed(TypeError, f"its caption is not text but {kind}: {text_of(caption)}")
    if not text:
        return failed(ValueError, "it has no caption")
    if is_missing(row.image):
        return failed(ValueError, "it has no picture")
    try:
        box = read_box(row.box)
    except ValueError as error:
        return failed(ValueError, str(error))
    if not all(map(is_unicode, (key, text, row.place))):
        return failed(ValueError, "its text is not UTF-8; save the table as UTF-8")
    return Pair(key, position, text, row.image, row.place, box)


def read_box(value: Any) -> Box | None:
    """Return a box (x0, y0, x1, y1) from four numbers, or from a text of them such as ``"0, 0, 20, 10"``.

    Raises:
        ValueError: it is neither, or holds no pixels.
    """
    if is_missing(value):
        return None
    try:
        numbers = json.loads(f"[{value.strip('[]() ')}]") if isinstance(value, str) else value
        x0, y0, x1, y1 = (float(number) for number in numbers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its box {text_of(value)} is not (x0, y0, x1, y1) in pixels") from error
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1):
        raise ValueError(
            f"its box {text_of(value)} is empty: (x0, y0, x1, y1) in pixels has x0 < x1 and y0 < y1"
        )
    return x0, y0, x1, y1


def image_of(value: Any, folder: str, place: str) -> tuple[Any, str]:
    """Return a picture as `Pair.image`, and its place.

    Args:
        value: a path or web address, bytes, a mapping with ``bytes`` and ``path`` as Hugging Face's tables
            have it, or a picture.
        folder: what paths are relative to.
        place: where the picture lies if it has no path.
    """
    if isinstance(value, Mapping) and ("bytes" in value or "path" in value):
        data, path = value.get("bytes"), value.get("path")
        if data is not None:
            return data, path or place
        value = path
    if isinstance(value, bytearray | memoryview):
        value = bytes(value)
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, str | os.PathLike) and str(value):
        name = os.fspath(value)
        if isinstance(name, str) and is_web_address(name):
            return name, name
        whole = os.path.join(folder, os.fsdecode(name))  # noqa: PTH118  # Path drops what names a scheme
        return whole, whole
    return (None if is_missing(value) else value), place


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: ``None``, NaN or an empty text."""
    if value is None or isinstance(value, float):
        return value is None or math.isnan(value)
    return isinstance(value, str) and not value.strip()


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path in full, with ``~`` replaced."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  # links stay as they are


def is_unicode(text: str) -> bool:
    """Return whether UTF-8 can hold a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _writable(text: str) -> str:
    """Return a text without what UTF-8 cannot hold, so that tables can."""
    return text.encode("utf-8", "replace").decode()
