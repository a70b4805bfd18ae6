"""Any rows of a run, read from the row groups of its Parquet files; the groups used last stay in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from .folder import reading_part

_CACHED_BYTES = 256 * 2**20  # of decoded row groups
_OPEN_FILES = 64
MAP_COLUMNS = ("map", "grid_rows", "grid_cols", "width", "height", "cover")


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of several pairs, and which parts of the pictures they cover.

    Attributes:
        values: the signed values of all maps, one map after the other, float32.
        starts: (N + 1,) index in ``values`` at which each map begins; the last is the end.
        grids: (N, 2) rows and cols.
        sizes: (N, 2) width and height of the pictures in pixels.
        covers: (N, 4) x0, y0, x1, y1 in pixels.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    grids: NDArray[np.int64]
    sizes: NDArray[np.int64]
    covers: NDArray[np.float64]

    @classmethod
    def of(cls, table: Any) -> Maps:
        """Return the maps of a table that has `MAP_COLUMNS`."""
        # `to_numpy` would import pandas, and `flatten` pyarrow.compute: longer than all the rest of opening
        # a gallery.
        column = {name: table.column(name).combine_chunks() for name in MAP_COLUMNS}

        def stacked(*names: str) -> NDArray[np.int64]:
            return np.stack([np.from_dlpack(column[name]) for name in names], 1).astype(np.int64)

        grids = stacked("grid_rows", "grid_cols")
        covers = _values(column["cover"])
        return cls(
            _values(column["map"]),
            np.concatenate([[0], np.cumsum(grids.prod(1))]),
            grids,
            stacked("width", "height"),
            covers.reshape(-1, 4).astype(np.float64),
        )

    def check(self) -> None:
        """Raise ``ValueError`` if the maps do not fit their grids and pictures, or are not finite."""
        if (self.grids < 1).any() or self.starts[-1] != len(self.values):
            raise ValueError("its maps do not fit their grids")
        far = 10.0 * np.tile(self.sizes, 2)  # a model that pads covers more than the picture
        if (self.sizes < 1).any() or not (np.abs(self.covers) <= far).all():
            raise ValueError("its maps do not fit their pictures")
        if not np.isfinite(self.values).all():
            raise ValueError("its maps have NaN or infinity")

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Return one map, (rows, cols)."""
        rows, cols = self.grids[index]
        return self.values[self.starts[index] : self.starts[index + 1]].reshape(rows, cols)


class RowReader:
    """Reads rows by their numbers, in any thread.

    Args:
        files: Parquet files, in order.
        counts: number of rows of each file, (F,).
        columns: names of the columns to read.
    """

    def __init__(
        self, files: Sequence[Path], counts: NDArray[np.int64], columns: Sequence[str]
    ) -> None:
        self._files, self._columns = list(files), list(columns)
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._lock = threading.Lock()
        self._open: LRUCache[int, tuple[Any, NDArray[np.int64]]] = LRUCache(_OPEN_FILES)
        self._groups: LRUCache[tuple[int, int], Any] = LRUCache(
            _CACHED_BYTES, getsizeof=lambda table: max(1, table.nbytes)
        )

    def take(self, rows: NDArray[np.int64]) -> Any:
        """Return rows as one pyarrow table, in the given order.

        Raises:
            UnreadableFileError: a file was removed or damaged since the run was opened.
        """
        import pyarrow as pa

        if not len(rows):
            raise ValueError("no rows to read")
        parts = list[Any]()
        with self._lock:
            # Consecutive rows are sliced together; `Table.take` would import pyarrow.compute.
            for first, stop in _consecutive(rows):
                at = first
                while at < stop:
                    table, inside = self._group_of(at)
                    count = min(stop - at, table.num_rows - inside)
                    parts.append(table.slice(inside, count))
                    at += count
        return pa.concat_tables(parts).combine_chunks()

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield columns of all rows in order, one table for each row group; they are not cached."""
        import pyarrow.parquet as pq

        for path in self._files:
            with reading_part(path):
                file = pq.ParquetFile(path)
            with file:
                for group in range(file.num_row_groups):
                    yield _read_group(file, path, group, columns)

    def _group_of(self, row: int) -> tuple[Any, int]:
        """Return the decoded row group of a row, and the row's index in it."""
        index = int(np.searchsorted(self._starts, row, side="right")) - 1
        with reading_part(self._files[index]):
            file, starts = self._file(index)
        inside = row - int(self._starts[index])
        group = int(np.searchsorted(starts, inside, side="right")) - 1
        table = self._groups.get((index, group))
        if table is None:
            table = _read_group(file, self._files[index], group, self._columns)
            if table.nbytes <= _CACHED_BYTES:
                self._groups[index, group] = table
        return table, inside - int(starts[group])

    def _file(self, index: int) -> tuple[Any, NDArray[np.int64]]:
        """Return an open file, and the first row of each of its row groups."""
        if index not in self._open:
            import pyarrow.parquet as pq

            file = pq.ParquetFile(self._files[index])
            groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            self._open[index] = file, np.concatenate([[0], np.cumsum(groups)])[:-1]
        return self._open[index]


def _read_group(file: Any, path: Path, group: int, columns: Sequence[str]) -> Any:
    """Return a row group; its maps fit their grids.

    Raises:
        UnreadableFileError: it is damaged.
    """
    with reading_part(path):
        table = file.read_row_group(group, columns=columns)
        table.validate(full=True)
        if set(MAP_COLUMNS) <= set(columns):
            Maps.of(table).check()
    return table


def _values(lists: Any) -> NDArray[np.float32]:
    """Return the concatenated values of all lists of a pyarrow array."""
    if hasattr(lists, "offsets"):
        start, stop = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    else:  # lists of one length, which may be a slice of a longer array
        start, stop = (n * lists.type.list_size for n in (lists.offset, lists.offset + len(lists)))
    return np.asarray(np.from_dlpack(lists.values.slice(start, stop - start)), np.float32)


def _consecutive(rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges (first, stop) of consecutive rows, in the order of the rows."""
    ends = np.flatnonzero(np.diff(rows) != 1) + 1
    for start, stop in zip([0, *ends], [*ends, len(rows)], strict=True):
        yield int(rows[start]), int(rows[stop - 1]) + 1
