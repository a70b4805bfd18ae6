"""Base classes of sources, and fingerprints of what they read."""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...images import check_opened
from ..identity import file_stamp, is_unread_file, stamp_of
from ..pairs import FailedPair, Pair, PairSource
from .rows import Row, captions_in, pairs_of


class Source(PairSource):
    """A source that gives single pairs too. It can be pickled: it has paths and numbers, no open files."""

    _checked = False  # whether `_numbers` are known
    _numbers: NDArray[np.int32] | None = None

    @abstractmethod
    def read(self, start: int, stop: int | None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop`` with their ids in the data, which may repeat."""

    @abstractmethod
    def may_repeat(self) -> bool:
        """Return whether an id can occur twice in the data; numbers of rows cannot."""

    def ids(self) -> Iterator[str]:
        """Yield the ids of all pairs as in the data. Sources override it to leave the pictures unread."""
        return (pair.id for pair in self.read(0, None))

    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``, in order, with unique ids."""
        numbers = self._repeats()
        for pair in self.read(start, stop):
            number = (
                numbers[pair.position]
                if numbers is not None and pair.position < len(numbers)
                else 0
            )
            yield replace(pair, id=f"{pair.id}#{number}") if number else pair

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be pickled: with the numbers of repeated ids, which are found only once."""
        self._repeats()
        return self.__dict__

    def _repeats(self) -> NDArray[np.int32] | None:
        if not self._checked:
            self._numbers = number_repeats(self.ids) if self.may_repeat() else None
            self._checked = True
        return self._numbers

    def pair_at(self, position: int) -> Pair:
        """Return the pair at a position.

        Raises:
            IndexError: there is no such position.
            ValueError: the pair cannot be read; the message gives the reason.
        """
        if position < 0:
            raise IndexError(f"position {position}: positions of a source begin at 0")
        for pair in self.pairs(position, position + 1):
            if isinstance(pair, FailedPair):
                raise ValueError(
                    f"{pair.id!r} at position {position} cannot be read: {pair.reason}"
                )
            return pair
        raise IndexError(f"position {position} is after the end of the source")


class BlockSource(Source):
    """A source in blocks with known numbers of pairs, so that the blocks before a position are not read."""

    @abstractmethod
    def blocks(self) -> int:
        """Return the number of blocks."""

    @abstractmethod
    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a block, failed ones included."""

    @abstractmethod
    def block_rows(self, block: int, skip: int) -> Iterator[Row | int]:
        """Yield the rows of a block in order.

        Args:
            block: its number, from 0.
            skip: number of pairs at the beginning of the block that are not needed. In place of their rows,
                the number of their pairs may be yielded.
        """

    def count(self) -> int | None:
        """Return the number of pairs."""
        return sum(map(self.pairs_in, range(self.blocks())))

    def read(self, start: int, stop: int | None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``; blocks before them are not read."""
        first = 0
        for block in range(self.blocks()):
            if stop is not None and first >= stop:
                return
            after = first + self.pairs_in(block)
            if after > start:
                rows = self.block_rows(block, max(start - first, 0))
                yield from pairs_between(rows, first, start, stop)
            first = after


def pairs_between(
    rows: Iterable[Row | int], position: int, start: int, stop: int | None
) -> Iterator[Pair | FailedPair]:
    """Yield the pairs of rows at positions ``start`` to ``stop``.

    Args:
        rows: rows, or numbers of pairs in place of rows that are not needed.
        position: of the first pair of the first row.
        start: first position needed.
        stop: the position after the last one needed; ``None`` for all.
    """
    for row in rows:
        after = position + (row if isinstance(row, int) else captions_in(row.captions))
        if not isinstance(row, int) and after > start:
            for pair in pairs_of(row, position):
                if pair.position == stop:
                    return
                if pair.position >= start:
                    yield pair
        position = after
        if position == stop:
            return


def number_repeats(ids: Callable[[], Iterator[str]]) -> NDArray[np.int32] | None:
    """Return the number that makes each id unique, (pairs,), 0 where it is; ``None`` if all are unique.

    The first pair of an id has no number, the second has 2. A number is left out if the id with it occurs in
    the data. Ids are compared by hashes of 64 bits, so that ten million take 80 MB.

    Args:
        ids: gives all ids in order. It is called again if ids repeat.
    """
    hashes = np.frombuffer(array("Q", map(_hash, ids())), np.uint64)
    known, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    if len(known) == len(hashes):
        return None
    numbers = np.zeros(len(hashes), np.int32)
    repeats = first[group] != np.arange(len(hashes))
    last = np.ones(len(known), np.int32)
    added: set[int] = set()
    for position, name in enumerate(ids()):
        if position >= len(hashes) or not repeats[position]:
            continue
        number = int(last[group[position]])
        while True:
            number += 1
            code = _hash(f"{name}#{number}")
            at = int(np.searchsorted(known, np.uint64(code)))
            if code not in added and (at == len(known) or known[at] != code):
                break
        added.add(code)
        last[group[position]] = number
        numbers[position] = number
    return numbers


def _hash(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def fingerprint_files(paths: Iterable[str]) -> str:
    """Return a text that changes with the names of files, and when one is written. No file is read."""
    digest = hashlib.blake2b(digest_size=12)
    for path in paths:
        try:
            text = f"{os.path.basename(path)}\0{file_stamp(path)}\0"  # noqa: PTH119
        except OSError:
            text = f"{path}\0gone\0"
        digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def fingerprint_values(values: Iterable[Any]) -> str:
    """Return a text that changes with texts, bytes, arrays, pictures, or the ``str`` of other values."""
    digest = hashlib.blake2b(digest_size=12)
    for value in values:
        digest.update(type(value).__name__.encode())
        digest.update(_content(value))
        digest.update(b"\0")
    return digest.hexdigest()


def _content(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Image.Image):
        shape = f"{value.mode}{value.size}"
        if is_unread_file(value):  # decoding all pictures only for this would take long
            path = os.fspath(value.filename)  # type: ignore[attr-defined]
            return f"{shape}{os.fsdecode(path)}{stamp_of(path)}".encode("utf-8", "surrogateescape")
        try:
            check_opened(value)
        except ValueError:  # its row fails, when it is read
            return shape.encode()
        return shape.encode() + bytes(value.getpalette() or ()) + value.tobytes()
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if hasattr(value, "detach"):  # a tensor
        return _content(value.detach().cpu().numpy())
    return str(value).encode("utf-8", "surrogateescape")
