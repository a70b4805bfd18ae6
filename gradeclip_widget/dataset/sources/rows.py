"""A row of any source, and its pairs: one for each of its captions."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from ...core.errors import summarize_error
from ...core.regions import OF_COCO, Box
from ...images import check_opened
from ...images.read import is_web_address
from ...images.remote import is_address, join
from ..pairs import FailedPair, Pair
from .columns import Columns, in_fractions, text_of


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
        box = None if columns.box is None else cells.get(columns.box)
        key = key_of(cells, columns, number)
        fractions = in_fractions(columns.box)
        return cls(key, image, place, cells.get(columns.caption), box, problem, fractions)


def key_of(cells: Mapping[str, Any], columns: Columns, number: int) -> str:
    """Return the id of a row: that of its column, or else its number."""
    key = None if columns.id is None else cells.get(columns.id)
    return str(number) if is_missing(key) else str(key)


def captions_in(captions: Any) -> int:
    """Return the number of pairs of a row with these captions; without captions 1, which fails."""
    captions = captions_of(captions)
    return max(len(captions), 1) if isinstance(captions, list) else 1


def captions_of(value: Any) -> Any:
    """Return a list of captions if a cell contains one, also as a text; else the cell."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "("):
        texts = parse_list(value)
        return value if texts is None else texts
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    return list(value) if isinstance(value, tuple) else value


def parse_list(text: str) -> list[str | None] | None:
    r"""Return the texts of a list that was written as a text; ``None`` if it is not exactly that.

    Lists are written so by JSON, and by pandas and csv when a cell contains a list, a tuple or an array.

    >>> parse_list("['a dog', 'it\\'s old']"), parse_list("['a' 'b']"), parse_list("[a dog]")
    (['a dog', "it's old"], ['a', 'b'], None)
    """
    text = text.strip()
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text)
        texts = isinstance(values, list) and all(isinstance(one, str | None) for one in values)
        return values if texts else None
    if not _LIST.fullmatch(text):
        return None
    try:
        found = [match[0] for match in _ITEM.finditer(text)]
        return [ast.literal_eval(one) if one[0] in "'\"" else None for one in found]
    except (ValueError, SyntaxError):  # an unknown escape
        return None


_QUOTED = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\""""
_ITEM = re.compile(rf"{_QUOTED}|None|nan", re.DOTALL)
_ONE = rf"(?:{_QUOTED}|None|nan|np\.str_\((?:{_QUOTED})\))"
# Python's lists and tuples, and NumPy's arrays, which have no commas. A tuple of one has a comma.
_LIST = re.compile(
    rf"\[(?:\s*+{_ONE}\s*+(?:,(?=\s*+[^\s\]])|(?=[\s'\"\]])))*+\s*+\]|\(\)|\((?:\s*+{_ONE}\s*+,)++(?:\s*+{_ONE})?\s*+\)",
    re.DOTALL,
)
_LIKE_LIST = re.compile(r"""\[[\[(\s]*['"].*['"]\s*(,.*|[\])]+)""", re.DOTALL)


def lines_of(text: str) -> str | list[str]:
    r"""Return the captions in a text file: one in each line that is not empty.

    A line that begins with a space or a tab continues the line before.

    >>> lines_of("a dog\n  on grass\n"), lines_of("a dog\n\na cat")
    ('a dog on grass', ['a dog', 'a cat'])
    """
    captions: list[str] = []
    for line in text.splitlines():
        words = " ".join(line.split())
        if words and captions and line[0] in " \t":
            captions[-1] += " " + words
        elif words:
            captions.append(words)
    return captions if len(captions) > 1 else "".join(captions)


def pairs_of(row: Row, position: int) -> list[Pair | FailedPair]:
    """Return the pairs of a row; the ids for a list of captions are ``KEY#1``, ``KEY#2``, ...

    Args:
        row: the row.
        position: of its first pair.
    """
    captions = captions_of(row.captions)
    listed = captions or [None] if isinstance(captions, list) else [captions]
    return [
        _pair(row, key, position + n, caption)
        for n, (key, caption) in enumerate(zip(ids_of(row.key, captions), listed, strict=True))
    ]


def ids_of(key: str, captions: Any) -> list[str]:
    """Return the ids of the pairs of a row with these captions."""
    captions = captions_of(captions)
    if not isinstance(captions, list) or not captions:
        return [key]
    return [f"{key}#{n}" for n in range(1, len(captions) + 1)]


def _pair(row: Row, key: str, position: int, caption: Any) -> Pair | FailedPair:
    if isinstance(caption, bytes | bytearray):
        caption = caption.decode("utf-8", "surrogateescape")
    text = str(caption).strip() if isinstance(caption, str) else ""

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
    if _LIKE_LIST.fullmatch(text):
        return failed(
            ValueError,
            f"its caption {text_of(text)} looks like a list of texts, but cannot be read as one; write it as "
            'JSON, ["a dog", "an animal"]',
        )
    if is_missing(row.image):
        return failed(ValueError, "it has no picture")
    try:
        box = read_box(row.box, fractions=row.fractions)
        image = _checked_image(row.image)
    except (TypeError, ValueError) as error:
        return failed(type(error), str(error))
    if not all(map(is_encodable, (key, text, row.place))):
        return failed(ValueError, "its text is not UTF-8; save the table as UTF-8")
    return Pair(key, position, text, image, row.place, box, row.fractions)


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
        value = str(value.strip())  # of NumPy, too
    if isinstance(value, str | os.PathLike) and str(value):
        name = os.fspath(value)
        if isinstance(name, str) and (is_web_address(name) or is_address(name)):
            return name, name
        full = _existing(os.fsdecode(name), folder)
        return full, full
    return (None if is_missing(value) else value), place


def _existing(name: str, folder: str) -> str:
    """Return the path of a picture: as written, or in another form of writing in which it exists.

    These are ``file://`` addresses, backslashes as in Windows, percent encoding as in addresses, and letters
    with accents in one piece or two (Unicode's NFC and NFD).
    """
    if name.lower().startswith("file://"):
        name = urllib.parse.unquote(name[len("file://") :].removeprefix("localhost"))
    full = join(folder, name)
    if name.isascii() and "\\" not in name and "%" not in name:
        return full
    if is_address(full):
        return join(folder, name.replace("\\", "/"))
    slashed = name.replace("\\", "/")
    composed, decomposed = (unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))
    forms = (name, slashed, urllib.parse.unquote(slashed), composed, decomposed)
    return next((path for form in forms if os.path.exists(path := join(folder, form))), full)  # noqa: PTH110


def _checked_image(value: Any) -> Any:
    """Return a picture that can be sent to another process: a path, bytes, a PIL image or an array.

    Raises:
        TypeError: it is none of these.
        ValueError: it is damaged, or reading it could run a program.
    """
    if isinstance(value, str | bytes | np.ndarray):
        return value
    try:
        if isinstance(value, Image.Image):
            if path := _unread_file(value):
                return path
            check_opened(value)
            value.load()
            return value
        if hasattr(value, "detach"):  # a tensor, perhaps on a GPU
            return value.detach().cpu().numpy()
        if callable(getattr(value, "__array__", None)):
            return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's and other libraries' errors are of every kind
        raise ValueError(f"its picture cannot be read: {summarize_error(error)}") from error
    raise TypeError(
        f"its picture is {type(value).__name__}, not a path, bytes, a PIL image or an array: {text_of(value)}"
    )


def _unread_file(image: Image.Image) -> str:
    """Return the path of an image that was opened and not decoded yet; empty for another image.

    Decoding all images of a list would fill the memory.
    """
    if (
        isinstance(image, ImageFile.ImageFile)
        and image.tile
        and image.filename
        and not image.tell()
    ):
        path = os.fsdecode(image.filename)
        return path if os.path.isfile(path) else ""  # noqa: PTH113
    return ""


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: ``None``, NaN, pandas' NA or NaT, or an empty text."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
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
