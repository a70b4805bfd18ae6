"""Pairs that a program holds or makes: a list, or anything that can be gone through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ..pairs import FailedPair, Pair
from .base import Source
from .columns import Columns, Options, find_columns, text_of
from .fingerprint import of_values
from .rows import Row, captions_in, image_of, is_missing, pairs_of

_ACCEPTED = "give (image, caption), a dict with these, or an object with .image and .caption"


class InMemory(Source):
    """Items of a list, or of an iterable that starts anew each time; an iterator is read into a list."""

    kind = "list"

    def __init__(self, items: Iterable[Any], options: Options, folder: str) -> None:
        """Look at the first item.

        Args:
            items: (image, caption), dicts of these, or objects that have them; a caption may be a list.
            options: the keys of dicts that the user names.
            folder: what paths are relative to.

        Raises:
            ValueError: there are none, or dicts have no such keys.
            TypeError: the first one is something else.
        """
        self.items = list(items) if isinstance(items, Iterator) else items
        self.folder = folder
        self.columns: Columns | None = None
        self._description: dict[str, Any] | None = None
        first = next(iter(self.items), None)
        if first is None:
            raise ValueError("the list of pairs is empty")
        if isinstance(first, Mapping):
            self.columns = find_columns(list(map(str, first)), options, "the first dict")
        else:
            options.allow("pairs that are no dicts", "images")
        try:
            self._parts(first)
        except (TypeError, ValueError) as error:
            raise TypeError(f"the first item of the list {error}") from error

    def count(self) -> int | None:
        """Return how many pairs there are; ``None`` for an iterable without a length."""
        if not isinstance(self.items, Sequence):
            return None
        return sum(map(self._captions, self.items))

    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``."""
        return islice(self._all(start), None if stop is None else max(stop - start, 0))

    def description(self) -> dict[str, Any]:
        """Return the number of pairs and a fingerprint of captions and pictures; it goes through them all."""
        if self._description is None:
            count, parts = 0, []
            for pair in self._all(0):
                count += 1
                image = pair.image if isinstance(pair, Pair) else pair.reason
                box = pair.box if isinstance(pair, Pair) else None
                parts.append(of_values([pair.id, pair.caption, image, box]))
            self._description = {
                "kind": self.kind,
                "source": None,
                "options": {},
                "pairs": count,
                "fingerprint": of_values(parts),
            }
        return self._description

    def _all(self, start: int) -> Iterator[Pair | FailedPair]:
        position = 0
        for number, item in enumerate(self.items):
            count = self._captions(item)
            if position + count > start:
                pairs = pairs_of(self._row(number, item), position)
                yield from pairs[max(start - position, 0) :]
            position += count

    def _captions(self, item: Any) -> int:
        try:
            return captions_in(self._parts(item)[1])
        except (TypeError, ValueError):
            return 1

    def _row(self, number: int, item: Any) -> Row:
        place = f"item {number}"
        try:
            image, caption, key, box = self._parts(item)
        except (TypeError, ValueError) as error:
            return Row(str(number), None, place, None, None, f"item {number} {error}")
        found, place = image_of(image, self.folder, place)
        name = str(number) if is_missing(key) else str(key)
        return Row(name, found, place, caption, box)

    def _parts(self, item: Any) -> tuple[Any, Any, Any, Any]:
        """Return the picture, caption, id and box of an item."""
        if isinstance(item, Mapping):
            if self.columns is None:
                raise TypeError(f"is a dict, but the first one is not; {_ACCEPTED} throughout")
            columns = self.columns
            image, caption = item.get(columns.image), item.get(columns.caption)
            key = item.get(columns.id) if columns.id else None
            return image, caption, key, item.get(columns.box) if columns.box else None
        if hasattr(item, "image") and hasattr(item, "caption"):
            return item.image, item.caption, getattr(item, "id", None), getattr(item, "box", None)
        if isinstance(item, tuple | list) and len(item) == 2:
            return item[0], item[1], None, None
        raise TypeError(f"is {text_of(item)}: {_ACCEPTED}")
