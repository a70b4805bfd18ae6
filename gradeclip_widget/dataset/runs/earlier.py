"""Rows of earlier starts of a run, in its folder ``before/``, and the pairs that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..identity import UNKNOWN, key_of, stamp_of
from ..pairs import FailedPair, KnownPair, ListedPair, Pair

if TYPE_CHECKING:
    import pyarrow as pa

    from ..prepare import PreparedPair

_IDENTITY = [
    "picture",
    "caption",
    "box",
]  # what score and map of a row depend on, beside the settings


class EarlierRows:
    """Rows to take over into a run with the same settings.

    A pair is recognized by its caption, its box and its picture: by the picture's file, if that has not
    changed, or else by its pixels.

    Args:
        files: Parquet files of the rows.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = list[Path]()
        self._by_file: dict[bytes, int] = {}
        self._by_picture: dict[bytes, int] = {}
        self._starts = [0]
        self._cached: tuple[int, Any] | None = None
        for file in files:
            rows = _identities(file)
            if not rows:
                continue
            self._files.append(file)
            for number, row in enumerate(rows, self._starts[-1]):
                self._by_picture.setdefault(row_key(row), number)
                if row["stamp"] not in ("", UNKNOWN):
                    self._by_file.setdefault(
                        key_of(row["image"], row["stamp"], row["caption"], _box(row["box"])), number
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
        return KnownPair(replace(pair, image=None), self._row(number, pair, stamp))

    def match(self, prepared: PreparedPair) -> dict[str, Any] | None:
        """Return the row of a pair with an equal picture, caption and box; ``None`` if there is none."""
        pair = prepared.pair
        number = self._by_picture.get(key_of(prepared.digest, pair.caption, pair.box))
        return None if number is None else self._row(number, pair, prepared.stamp)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be sent to another machine, which does not see the folder: with all rows."""
        import pyarrow as pa

        tables = [self._table(n) for n in range(len(self._files))]
        whole = pa.concat_tables(tables) if tables else None
        return self.__dict__ | {
            "_files": [None],
            "_starts": [0, self._starts[-1]],
            "_cached": (0, whole),
        }

    def _row(self, number: int, pair: Pair, stamp: str) -> dict[str, Any]:
        file = int(np.searchsorted(self._starts, number, side="right")) - 1
        row: dict[str, Any] = self._table(file).slice(number - self._starts[file], 1).to_pylist()[0]
        return row | {
            "id": pair.id,
            "position": pair.position,
            "image": pair.place,
            "stamp": stamp,
            "taken_over": True,
        }

    def _table(self, file: int) -> pa.Table:
        """Return the rows of a file. The file used last stays in memory: rows are mostly taken in order."""
        import pyarrow.parquet as pq

        if self._cached is None or self._cached[0] != file:
            self._cached = file, pq.read_table(self._files[file])
        return self._cached[1]


def _identities(file: Path) -> list[dict[str, Any]]:
    """Return what the rows of a file are of; an empty list for a damaged file, whose pairs are explained."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)  # all columns, since any may be damaged
        return table.select(["image", "stamp", *_IDENTITY]).to_pylist()  # type: ignore[no-any-return]
    except (OSError, KeyError, pa.ArrowException):
        return []


def row_key(row: Mapping[str, Any]) -> bytes:
    """Return the key of a row's picture, caption and box."""
    return key_of(row["picture"], row["caption"], _box(row["box"]))


def keys_before(file: Path) -> set[bytes]:
    """Return the keys of the rows in a file of ``before/``; none for a damaged file."""
    return set(map(row_key, _identities(file)))


def keys_of_files(files: Iterable[Path]) -> set[bytes]:
    """Return the keys of all rows in Parquet files."""
    import pyarrow.parquet as pq

    tables = (pq.read_table(file, columns=_IDENTITY) for file in files)
    return {row_key(row) for table in tables for row in table.to_pylist()}


def _box(values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)
