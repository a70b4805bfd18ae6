"""Pairs in a program: a list, or another iterable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..pairs import Contents, FailedPair, Pair
from .base import Source, fingerprint_values, pairs_between
from .columns import Columns, Options, find_columns, text_of
from .rows import Row, captions_in, captions_of, is_missing

_ACCEPTED = "give (image, caption), a dict with these, or an object with .image and .caption"
_ATTRIBUTES = Columns("image", "caption", "id", "box")  # of items that are not dicts


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
        self.items = list(items) if isinstance(items, Iterator) else items
        self.folder = folder
        self.columns: Columns | None = None  # of dicts
        self._description: dict[str, Any] | None = None
        first = next(iter(self.items), None)
        if first is None:
            raise ValueError("the list of pairs is empty")
        if isinstance(first, Mapping):
            self.columns = find_columns(list(map(str, first)), options, "the first dict")
        else:
            options.allow("pairs that are not dicts", "images")
        self._has_ids = self.columns is None and not isinstance(first, tuple | list)
        self._has_ids |= self.columns is not None and self.columns.id is not None
        if problem := self._cells(first)[2]:
            raise TypeError(f"the first item of the list {problem}")

    def count(self) -> int | None:
        """Return the number of pairs; ``None`` for an iterable without a length."""
        if not isinstance(self.items, Sequence):
            return None
        return sum(map(self._captions_in, self.items))

    def may_repeat(self) -> bool:
        """Return whether items have ids."""
        return self._has_ids

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

    def _rows(self, skip: int) -> Iterator[Row | int]:
        """Yield the rows of all items, or numbers of pairs in place of rows before the ``skip``-th pair."""
        for number, item in enumerate(self.items):
            count = self._captions_in(item)
            skip -= count
            if skip >= 0:
                yield count
                continue
            cells, columns, problem = self._cells(item)
            place = f"item {number}"
            problem = problem and f"{place} {problem}"
            yield Row.of(cells, columns, number, place, self.folder, problem)

    def _captions_in(self, item: Any) -> int:
        cells, columns, _ = self._cells(item)
        return captions_in(cells.get(columns.caption))

    def _cells(self, item: Any) -> tuple[Mapping[str, Any], Columns, str]:
        """Return the values of an item by column, the columns, and why it has no values."""
        if isinstance(item, Mapping):
            if self.columns is None:
                return {}, _ATTRIBUTES, f"is a dict, but the first one is not; {_ACCEPTED} for all"
            return item, self.columns, ""
        if hasattr(item, "image") and hasattr(item, "caption"):
            return {name: getattr(item, name, None) for name in _ATTRIBUTES.names}, _ATTRIBUTES, ""
        if isinstance(item, tuple | list) and len(item) == 2:
            return {"image": item[0], "caption": item[1]}, _ATTRIBUTES, ""
        return {}, _ATTRIBUTES, f"is {text_of(item)}: {_ACCEPTED}"
