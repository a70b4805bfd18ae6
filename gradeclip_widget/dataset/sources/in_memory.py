"""Pairs in a program: a list, another iterable, or a dataset with numbered items, as of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ...core.errors import summarize_error
from ..pairs import Contents, FailedPair, Pair
from .base import Source, fingerprint_values, pairs_between
from .columns import Columns, Options, find_columns, text_of
from .files import is_picture
from .rows import Row, captions_in, captions_of, is_missing

_ACCEPTED = "give (image, caption), a dict with these, or an object with .image and .caption"
_ATTRIBUTES = Columns("image", "caption", "id", "box")  # of items that are not dicts
_ENCODED = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"BM",
    b"II*\0",
    b"MM\0*",
)  # beginnings of pictures


class InMemory(Source):
    """Items of a list, or of an iterable that restarts each time; an iterator is read into a list."""

    kind = "list"

    def __init__(self, items: Iterable[Any], options: Options, folder: str) -> None:
        """Check the first item.

        Args:
            items: (image, caption), dicts of these, or objects with them. A caption can be a list.
            options: keys of the dicts, if they are unusual.
            folder: the folder that paths are relative to.

        Raises:
            ValueError: there are no items, or dicts have no such keys.
            TypeError: the first item is something else.
        """
        self.items = list(items) if isinstance(items, Iterator | np.ndarray) else items
        self.folder = folder
        self.columns: Columns | None = None  # of dicts
        self._files: dict[int, bytes] = {}  # contents of open files that cannot be read twice
        self._description: dict[str, Any] | None = None
        _, first, problem = next(
            self._numbered(), (0, None, "is missing: the list of pairs is empty")
        )
        if problem:
            raise ValueError(f"the first item {problem}")
        if isinstance(first, Mapping):
            self.columns = find_columns(list(map(str, first)), options, "the first dict")
        else:
            options.allow("pairs that are not dicts", "images")
        cells, columns, problem = self._cells(first)
        if not problem and _is_number(cells.get(columns.caption)):
            problem = (
                f"has the number {text_of(cells[columns.caption])} in place of a caption, as datasets of "
                "classes have; give texts, for example [(image, f'a photo of a {classes[n]}') for image, n "
                "in dataset]"
            )
        if problem:
            raise TypeError(f"the first item of the list {problem}")
        self._first = cells, columns

    def count(self) -> int | None:
        """Return the number of pairs; ``None`` for an iterable without a length."""
        if not isinstance(self.items, Sequence):
            return None
        return sum(map(self._captions_in, self.items))

    def may_repeat(self) -> bool:
        """Return whether items have ids."""
        return self.columns.id is not None if self.columns else "id" in self._first[0]

    def ids(self) -> Iterator[str]:
        """Yield the ids of all pairs in the data."""
        return (pair.id for pair in pairs_between(self._rows(0, False), 0, 0, None))

    def contents(self) -> Contents:
        """Return the numbers of pictures and captions; unknown for an iterable without a length."""
        if not isinstance(self.items, Sequence):
            return Contents()
        pictures = captions = 0
        for item in self.items:
            cells, columns, _ = self._cells(item)
            value = captions_of(cells.get(columns.caption))
            pictures += not is_missing(cells.get(columns.image))
            captions += 0 if is_missing(value) else captions_in(value)
        return Contents(pictures, captions)

    def read(self, start: int, stop: int | None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``."""
        return pairs_between(self._rows(start), 0, start, stop)

    def description(self) -> dict[str, Any]:
        """Return the number of pairs and a fingerprint of captions and pictures. All pairs are read."""
        if self._description is None:
            count, fingerprints = 0, []
            for pair in self.pairs():
                count += 1
                image = pair.image if isinstance(pair, Pair) else pair.reason
                box = pair.box if isinstance(pair, Pair) else None
                fingerprints.append(fingerprint_values([pair.id, pair.caption, image, box]))
            self._description = {
                "kind": self.kind,
                "source": None,
                "options": {},
                "pairs": count,
                "fingerprint": fingerprint_values(fingerprints),
            }
        return self._description

    def _numbered(self, start: int = 0) -> Iterator[tuple[int, Any, str]]:
        """Yield the items from the ``start``-th on: their number, the item, and why it cannot be read."""
        for number, item in enumerate(self.items):
            if number >= start:
                yield number, item, ""

    def _rows(self, skip: int, pictures: bool = True) -> Iterator[Row | int]:
        """Yield the rows of all items, or numbers of pairs in place of rows before the ``skip``-th pair."""
        for number, item, problem in self._numbered():
            count = 1 if problem else self._captions_in(item)
            skip -= count
            if skip >= 0:
                yield count
            else:
                yield self._row(number, item, problem, pictures)

    def _row(self, number: int, item: Any, problem: str, pictures: bool = True) -> Row:
        cells, columns, why = ({}, _ATTRIBUTES, problem) if problem else self._cells(item)
        place = f"item {number}"
        problem = why and f"{place} {why}"
        image = cells.get(columns.image) if pictures else None
        if not problem and callable(getattr(image, "read", None)):
            place = str(getattr(image, "name", place))
            try:
                image = self._content(number, image)
            except (OSError, ValueError, TypeError) as error:
                problem = f"its picture, an open file, cannot be read: {summarize_error(error)}"
        if pictures:
            cells = {**cells, columns.image: image}
        return Row.of(cells, columns, number, place, self.folder, problem)

    def _content(self, number: int, file: Any) -> bytes:
        """Return the content of an open file, whose position does not change."""
        if number in self._files:
            return self._files[number]
        can_seek = callable(getattr(file, "seekable", None)) and file.seekable()
        position = file.tell() if can_seek else 0
        if can_seek:
            file.seek(0)
        content = file.read()
        if can_seek:
            file.seek(position)
        if not isinstance(content, bytes | bytearray):
            raise TypeError("it is open as text; open it as open(path, 'rb')")
        if not can_seek:
            self._files[number] = bytes(content)
        return bytes(content)

    def _captions_in(self, item: Any) -> int:
        cells, columns, _ = self._cells(item)
        return captions_in(cells.get(columns.caption))

    def _cells(self, item: Any) -> tuple[Mapping[str, Any], Columns, str]:
        """Return the values of an item by column, the columns, and why it has no values."""
        if isinstance(item, Mapping):
            if self.columns is None:
                return {}, _ATTRIBUTES, f"is a dict, but the first one is not; {_ACCEPTED} for all"
            return item, self.columns, ""
        try:
            if hasattr(item, "image") and hasattr(item, "caption"):
                names = [name for name in _ATTRIBUTES.names if hasattr(item, name)]
                return {name: getattr(item, name) for name in names}, _ATTRIBUTES, ""
        except Exception as error:  # noqa: BLE001  # of any property
            return {}, _ATTRIBUTES, f"cannot be read: {summarize_error(error)}"
        if isinstance(item, tuple | list | np.ndarray) and len(item) == 2:
            image, caption = item
            if _looks_like_caption(image) and _looks_like_picture(caption):
                problem = f"has the caption {text_of(image)} before its picture; {_ACCEPTED}"
                return {}, _ATTRIBUTES, problem
            return {"image": image, "caption": caption}, _ATTRIBUTES, ""
        return {}, _ATTRIBUTES, f"is {text_of(item)}: {_ACCEPTED}"


class MapStyle(InMemory):
    """Items of a dataset with a length and numbered items, as PyTorch's map-style datasets.

    Items are read when they are needed, each once for a run. If the first one has one caption, all must have
    one: then the number of pairs is known. Ids are the numbers of items, unless ``id_column`` is given.
    """

    kind = "dataset"
    covered = False

    def __init__(
        self, data: Any, options: Options, folder: str, fingerprint: str | None = None
    ) -> None:
        """Check the first item.

        Args:
            data: the dataset.
            options: keys of the dicts, if items are dicts with unusual ones.
            folder: the folder that paths are relative to.
            fingerprint: of the dataset, if it has one itself.

        Raises:
            ValueError: there are no items, or dicts have no such keys.
            TypeError: the first item is something else.
        """
        self.fingerprint = fingerprint
        super().__init__(data, options, folder)
        cells, columns = self._first
        self.lists = isinstance(captions_of(cells.get(columns.caption)), list)
        self._with_ids = options.id_column is not None

    def count(self) -> int | None:
        """Return the number of pairs; ``None`` if items have lists of captions."""
        return None if self.lists else len(self.items)  # type: ignore[arg-type]

    def contents(self) -> Contents:
        """Return the number of pictures; that of captions is unknown if items have lists of them."""
        return Contents(len(self.items), self.count())  # type: ignore[arg-type]

    def may_repeat(self) -> bool:
        """Return whether ids come from a column that the user named."""
        return self._with_ids

    def description(self) -> dict[str, Any]:
        """Return the number of pairs, and a fingerprint of the dataset, or of its type and first item.

        What it gives for a number may depend on chance or on other programs, which no fingerprint covers.
        """
        fingerprint = self.fingerprint
        if fingerprint is None:
            cells, columns = self._first
            values = [cells.get(columns.image), cells.get(columns.caption)]
            fingerprint = fingerprint_values([type(self.items).__qualname__, *values])
        return {
            "kind": self.kind,
            "source": None,
            "options": {},
            "pairs": len(self.items),  # type: ignore[arg-type]
            "fingerprint": fingerprint,
            "computed": True,  # pictures come from code, so that the rest does not cover them
        }

    def _numbered(self, start: int = 0) -> Iterator[tuple[int, Any, str]]:
        for number in range(start, len(self.items)):  # type: ignore[arg-type]
            try:
                item = self.items[number]  # type: ignore[index]
            except Exception as error:  # noqa: BLE001  # of any code in the dataset
                yield number, None, f"cannot be read: {summarize_error(error)}"
            else:
                yield number, item, ""

    def _rows(self, skip: int, pictures: bool = True) -> Iterator[Row | int]:
        if self.lists:
            yield from super()._rows(skip, pictures)
            return
        yield skip
        for number, item, problem in self._numbered(skip):
            several = not problem and self._captions_in(item) > 1
            why = "has several captions, but the first item has one; give lists for all"
            yield self._row(number, item, why if several else problem, pictures)

    def _cells(self, item: Any) -> tuple[Mapping[str, Any], Columns, str]:
        cells, columns, problem = super()._cells(item)
        if "id" in cells and not getattr(self, "_with_ids", False):
            cells = {name: value for name, value in cells.items() if name != columns.id}
        return cells, columns, problem


def _is_number(value: Any) -> bool:
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()
    return isinstance(value, int | np.integer) or (
        isinstance(value, float) and not is_missing(value)
    )


def _looks_like_caption(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not is_picture(value)


def _looks_like_picture(value: Any) -> bool:
    if isinstance(value, str):
        return is_picture(value) and " " not in value
    if isinstance(value, bytes):
        return value.startswith(_ENCODED)
    return isinstance(value, Image.Image | os.PathLike) or getattr(value, "ndim", 0) > 1
