"""A row of any source, and its pairs: one for each of its captions."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.regions import OF_COCO, Box
from ...images.read import is_web_address
from ..pairs import FailedPair, Pair
from .columns import Columns, in_fractions, text_of

_LISTS = (list, tuple, np.ndarray)


@dataclass(frozen=True, slots=True)
class Row:
    """A picture with its captions, as a source has them.

    Attributes:
        key: the id of its pair; with several captions the beginning of their ids.
        image: as `Pair.image`, with the full path of a file on disk; ``None`` if it is missing.
        place: as `Pair.place`.
        captions: a caption, a list of captions, or ``None``.
        box: four numbers, or a text of four numbers, or ``None``.
        problem: why the row cannot be read at all; empty if it can.
        fractions: as in `Pair`.
    """

    key: str
    image: Any
    place: str
    captions: Any
    box: Any = None
    problem: str = ""
    fractions: bool = False

    @classmethod
    def of(
        cls,
        cells: Mapping[str, Any],
        columns: Columns,
        number: int,
        place: str,
        folder: str = "",
        problem: str = "",
    ) -> Row:
        """Return a row of a table.

        Args:
            cells: values by column; missing columns are empty.
            columns: names of the columns.
            number: of the row, its id if it has no other.
            place: location of the picture if it has no path.
            folder: the folder that paths are relative to.
            problem: why the row cannot be read at all.
        """
        image, place = image_of(cells.get(columns.image), folder, place)
        key = None if columns.id is None else cells.get(columns.id)
        box = None if columns.box is None else cells.get(columns.box)
        key = str(number) if is_missing(key) else str(key)
        fractions = in_fractions(columns.box)
        return cls(key, image, place, cells.get(columns.caption), box, problem, fractions)


def captions_in(captions: Any) -> int:
    """Return the number of pairs of a row with these captions; without captions 1, which fails."""
    return max(len(captions), 1) if isinstance(captions, _LISTS) else 1


def pairs_of(row: Row, position: int) -> list[Pair | FailedPair]:
    """Return the pairs of a row; the ids for a list of captions are ``KEY#1``, ``KEY#2``, ...

    Args:
        row: the row.
        position: of its first pair.
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
        name, written, place, why = map(_encodable, (key, text, row.place, reason))
        return FailedPair(name, position, written, place, "source", error.__name__, why)

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
        box = read_box(row.box, fractions=row.fractions)
    except ValueError as error:
        return failed(ValueError, str(error))
    if not all(map(is_encodable, (key, text, row.place))):
        return failed(ValueError, "its text is not UTF-8; save the table as UTF-8")
    return Pair(key, position, text, row.image, row.place, box, row.fractions)


def read_box(value: Any, *, fractions: bool = False) -> Box | None:
    """Return a box (x0, y0, x1, y1) from four numbers, or from a text of them such as ``"0, 0, 20, 10"``.

    Args:
        value: of the cell.
        fractions: whether the numbers are fractions of the picture's width and height, not pixels.

    Raises:
        ValueError: the value is neither, the box is empty, or a fraction is not between 0 and 1.
    """
    if is_missing(value):
        return None
    unit = "fractions of the picture" if fractions else "pixels"
    try:
        numbers = json.loads(f"[{value.strip('[]() ')}]") if isinstance(value, str) else value
        x0, y0, x1, y1 = (float(number) for number in numbers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its box {text_of(value)} is not (x0, y0, x1, y1) in {unit}") from error
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1):
        raise ValueError(
            f"its box {text_of(value)} is empty: (x0, y0, x1, y1) in {unit} has x0 < x1 and y0 < y1. "
            f"{OF_COCO}"
        )
    if fractions and not (min(x0, y0) >= 0 and max(x1, y1) <= 1):
        raise ValueError(
            f"its box {text_of(value)} has numbers outside 0 to 1, but its column holds fractions of the "
            "picture by its name; name a column of pixels 'box'"
        )
    return x0, y0, x1, y1


def image_of(value: Any, folder: str, place: str) -> tuple[Any, str]:
    """Return a picture as `Pair.image`, and its place.

    Args:
        value: a path or web address, bytes, a picture, or a mapping with ``bytes`` and ``path`` as in Hugging
            Face's tables.
        folder: the folder that paths are relative to.
        place: location of the picture if it has no path.
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
        full = os.path.join(folder, os.fsdecode(name))  # noqa: PTH118  # Path would change "s3://"
        return full, full
    return (None if is_missing(value) else value), place


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: ``None``, NaN or an empty text."""
    if value is None or isinstance(value, float):
        return value is None or math.isnan(value)
    return isinstance(value, str) and not value.strip()


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, with ``~`` expanded; links are not resolved."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100


def is_encodable(text: str) -> bool:
    """Return whether a text can be encoded in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str) -> str:
    """Return a text with question marks in place of what cannot be encoded in UTF-8."""
    return text.encode("utf-8", "replace").decode()
