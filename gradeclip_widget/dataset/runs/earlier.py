"""Rows of earlier starts of a run, in its folder ``before/``, and the pairs that they are of."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from ..identity import UNKNOWN, key_of, stamp_of
from ..pairs import FailedPair, KnownPair, ListedPair, Pair

if TYPE_CHECKING:
    import pyarrow as pa

    from ..prepare import PreparedPair

# What score and map of a row depend on, beside the settings.
_IDENTITY = ["picture", "caption", "box"]
_CACHED_BYTES = 256 * 2**20  # of decoded row groups


class EarlierRows:
    """Rows to take over into a run with the same settings.

    A pair is recognized by its caption, its box and its picture: by the picture's file, if that has not
    changed, or else by its pixels.

    Args:
        files: Parquet files of the rows.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._groups = list[tuple[Path, int]]()  # the row groups of the files
        self._starts = [0]  # number of the first row of each group, and of the end
        self._by_file: dict[bytes, int] = {}
        self._by_picture: dict[bytes, int] = {}
        self._tables: MutableMapping[int, pa.Table | None] = LRUCache(
            _CACHED_BYTES, getsizeof=lambda table: 1 if table is None else table.nbytes
        )
        for file in files:
            for group, rows in enumerate(_identities(file, ["image", "stamp"])):
                self._groups.append((file, group))
                for number, row in enumerate(rows, self._starts[-1]):
                    self._by_picture.setdefault(row_key(row), number)
                    if row["stamp"] not in ("", UNKNOWN):
                        self._by_file.setdefault(
                            key_of(row["image"], row["stamp"], row["caption"], _box(row["box"])),
                            number,
                        )
                self._starts.append(self._starts[-1] + len(rows))

    def __bool__(self) -> bool:
        """Return whether there are any rows."""
        return self._starts[-1] > 0

    def find(self, pair: Pair | FailedPair) -> ListedPair:
        """Return a `KnownPair` if the picture's file has not changed since an earlier row; else the pair."""
        if isinstance(pair, FailedPair):
            return pair
        stamp = stamp_of(pair.image)
        if stamp in ("", UNKNOWN):
            return pair
        number = self._by_file.get(key_of(pair.place, stamp, pair.caption, pair.box))
        if number is None:
            return pair
        row = self._row(number, pair, stamp)
        return pair if row is None else KnownPair(pair.without_image(), row)

    def match(self, prepared: PreparedPair) -> dict[str, Any] | None:
        """Return the row of a pair with an equal picture, caption and box; ``None`` if there is none."""
        pair = prepared.pair
        number = self._by_picture.get(key_of(prepared.digest, pair.caption, pair.box))
        return None if number is None else self._row(number, pair, prepared.stamp)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be sent to another machine, which does not see the folder: with all rows."""
        return self.__dict__ | {"_tables": dict(enumerate(starmap(_read_group, self._groups)))}

    def _row(self, number: int, pair: Pair, stamp: str) -> dict[str, Any] | None:
        """Return a row as that of a pair, or ``None`` if its file is damaged."""
        group = bisect.bisect_right(self._starts, number) - 1
        table = self._table(group)
        if table is None:
            return None
        row: dict[str, Any] = table.slice(number - self._starts[group], 1).to_pylist()[0]
        return row | {
            "id": pair.id,
            "position": pair.position,
            "image": pair.place,
            "stamp": stamp,
            "taken_over": True,
        }

    def _table(self, group: int) -> pa.Table | None:
        """Return the rows of a group; the groups used last stay in memory."""
        if group not in self._tables:
            table = _read_group(*self._groups[group])
            if table is not None and table.nbytes > _CACHED_BYTES:
                return table
            self._tables[group] = table
        return self._tables[group]


def _read_group(file: Path, group: int) -> pa.Table | None:
    """Return a row group, or ``None`` if it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            return opened.read_row_group(group)
    except (OSError, pa.ArrowException):
        return None


def _identities(file: Path, more: Sequence[str] = ()) -> Iterator[list[dict[str, Any]]]:
    """Yield what the rows of each row group are of; nothing from where a file is damaged.

    Pairs whose rows cannot be read are explained again.

    Args:
        file: in Parquet.
        more: columns to read too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [*_IDENTITY, *more]
    try:
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                table = opened.read_row_group(group, columns=columns)
                yield table.select(columns).to_pylist()  # raises a KeyError for a missing column
    except (OSError, KeyError, pa.ArrowException):
        return


def row_key(row: Mapping[str, Any]) -> bytes:
    """Return the key of a row's picture, caption and box."""
    return key_of(row["picture"], row["caption"], _box(row["box"]))


def keys_of_files(files: Iterable[Path]) -> set[bytes]:
    """Return the keys of all rows in Parquet files that can be read."""
    return {row_key(row) for file in files for rows in _identities(file) for row in rows}


def _box(values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)
