"""Pairs from Parquet files, read one row group after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from ...core.errors import reading, summarize_error
from ...images.remote import local_path
from ..libraries import require
from .base import fingerprint_files
from .columns import Options, check_types, find_columns, is_list
from .rows import Row
from .tables import ArrowTable, lists_as_text

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".parquet"
_BATCH = 128  # rows decoded at once; they may contain pictures


class _Group(NamedTuple):
    """A row group: the number of its file, its number in the file, its first row over all files, its rows."""

    file: int
    number: int
    first: int
    rows: int


class ParquetTable(ArrowTable):
    """Rows of one Parquet file, or of several with the same columns; one block for each row group."""

    kind = "parquet"

    def __init__(
        self, paths: Sequence[str], images: str, options: Options, source: str | None = None
    ) -> None:
        """Find the columns.

        Args:
            paths: of the files, in order.
            images: the folder that paths of pictures are relative to.
            options: names of the columns, if they are unusual.
            source: names all files; the path of the only file if it is left out.

        Raises:
            ValueError: a file cannot be read, or there are no rows or no such columns.
            ModuleNotFoundError: pyarrow is not installed.
        """
        require("pyarrow.parquet", "Parquet tables")
        self.paths, self.images = list(paths), images
        self.source = source or self.paths[0]
        self.groups: list[_Group] = []
        self._counts: dict[int, int] = {}  # pairs of row groups with lists of captions
        self._cached: tuple[int, Any] | None = None  # metadata of the file last opened
        self._first_rows: list[int] = []  # of each file, over all files
        rows = 0
        for n, path in enumerate(self.paths):
            self._first_rows.append(rows)
            with self._opened(n) as file:
                schema = file.schema_arrow
                if n == 0:
                    self.columns = find_columns(schema.names, options, repr(path))
                elif missing := set(self.columns.names) - set(schema.names):
                    raise ValueError(
                        f"{path!r} has no column {', '.join(map(repr, sorted(missing)))}, but "
                        f"{self.paths[0]!r} has; files that are read as one need the same columns"
                    )
                check_types(schema, self.columns, repr(path))
                self.lists = self._has_lists(file) if n == 0 else self.lists
                if is_list(schema.field(self.columns.caption).type) > self.lists:
                    raise ValueError(
                        f"{path!r} has lists of captions, but {self.paths[0]!r} has texts; files that are "
                        "read as one need the same types"
                    )
                for number in range(file.num_row_groups):
                    count = file.metadata.row_group(number).num_rows
                    self.groups.append(_Group(n, number, rows, count))
                    rows += count
        if not rows:
            raise ValueError(f"the table of captions {self.source!r} has no rows")

    def blocks(self) -> int:
        """Return the number of row groups."""
        return len(self.groups)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a row group. It is read only if it has lists of captions."""
        group = self.groups[block]
        if not self.lists:
            return group.rows
        if block not in self._counts:
            try:
                count = sum(map(self._pairs, self._batches(group, [self.columns.caption])))
            except (OSError, ValueError):
                count = group.rows  # each row fails when it is read
            self._counts[block] = count
        return self._counts[block]

    def block_rows(self, block: int, skip: int) -> Iterator[Row | int]:
        """Yield the rows of a row group; rows that cannot be read fail one by one."""
        group = self.groups[block]
        path, first = self.paths[group.file], self._first_rows[group.file]
        pairs, number = 0, group.first
        try:
            for batch in self._batches(group, self.columns.names):
                count = self._pairs(batch)
                if pairs + count <= skip:
                    yield count
                else:
                    for n, cells in enumerate(batch.to_pylist(), number):
                        yield self.row(cells, n, f"{path}#{n - first}")
                pairs, number = pairs + count, number + batch.num_rows
        except (OSError, ValueError) as error:
            problem = (
                f"{path!r} cannot be read from row {number - first} on: {summarize_error(error)}"
            )
            for n in range(self.pairs_in(block) - pairs):
                yield Row(str(number + n), None, path, "", None, problem)

    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield some columns of every row."""
        for group in self.groups:
            rows = 0
            try:
                for batch in self._batches(group, list(names)):
                    rows += batch.num_rows
                    yield from batch.to_pylist()
            except (OSError, ValueError):
                yield from repeat({}, group.rows - rows)

    def files(self) -> list[str]:
        """Return the paths of the files."""
        return self.paths

    def description(self) -> dict[str, Any]:
        """Return the path, columns, number of pairs, and a fingerprint of the files' sizes and times."""
        return {
            "kind": self.kind,
            "source": self.source,
            "options": {"images": self.images, **self.columns.options},
            "pairs": self.count(),
            "fingerprint": fingerprint_files(self.paths),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be pickled: without metadata, which is read again."""
        return super().__getstate__() | {"_cached": None}

    def _pairs(self, batch: pa.RecordBatch) -> int:
        """Return the number of pairs in a batch of rows."""
        return self.pairs_of_rows(batch.column(self.columns.caption))

    def _has_lists(self, file: Any) -> bool:
        """Return whether rows have several captions, in lists or in lists written as text."""
        self.types = file.schema_arrow
        column = self.columns.caption
        if is_list(self.types.field(column).type):
            return True
        try:
            batch = next(file.iter_batches(100, columns=[column]), None)
        except (OSError, ValueError):  # its rows fail when they are read
            return False
        return batch is not None and lists_as_text(batch.column(0).to_pylist())

    def _batches(self, group: _Group, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with self._opened(group.file) as file:
            yield from file.iter_batches(_BATCH, row_groups=[group.number], columns=columns)

    def _opened(self, number: int) -> Any:
        import pyarrow.parquet as pq

        path = self.paths[number]
        metadata = self._cached[1] if self._cached and self._cached[0] == number else None
        with reading(path, "a Parquet table", "write or download it again"):
            file = pq.ParquetFile(local_path(path), metadata=metadata)
        self._cached = number, file.metadata
        return file
