"""Pairs from Parquet files, read one part of a file ("row group") after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...core.errors import summarize_error
from ..libraries import require
from ..pairs import FailedPair, Pair
from .base import BlockSource
from .columns import Options, check_types, find_columns, holds_lists
from .fingerprint import of_files
from .rows import Row, image_of, is_missing, pairs_of

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".parquet"
_BATCH = 128  # rows decoded at once: pictures may be among them


class _Group(NamedTuple):
    """A row group: which file's, which of the file's, its first row over all files, and its rows."""

    file: int
    number: int
    first: int
    rows: int


class ParquetTable(BlockSource):
    """Rows of one or several Parquet files with the same columns, one block per row group."""

    kind = "parquet"

    def __init__(
        self, paths: Sequence[Path], images: Path, options: Options, source: str | None = None
    ) -> None:
        """Find the columns.

        Args:
            paths: of the files, in order.
            images: the folder that paths of pictures are relative to.
            options: columns that the user names.
            source: what stands for all the paths; the path of the one where it is left out.

        Raises:
            ValueError: a file cannot be read, there are no rows, or no such columns.
            ModuleNotFoundError: pyarrow is not installed.
        """
        require("pyarrow.parquet", "Parquet tables")
        self.paths, self.images = [str(path) for path in paths], str(images)
        self.source = source or self.paths[0]
        self.groups: list[_Group] = []
        self._listed: dict[int, int] = {}  # pairs of row groups with lists of captions
        self._kept: tuple[int, Any] | None = None  # metadata of the file last opened
        rows = 0
        for n, path in enumerate(self.paths):
            with self._opened(n) as file:
                schema = file.schema_arrow
                if n == 0:
                    self.columns = find_columns(schema.names, options, repr(path))
                elif missing := set(self.columns.names) - set(schema.names):
                    raise ValueError(
                        f"{path!r} has no column {', '.join(map(repr, sorted(missing)))}, but "
                        f"{self.paths[0]!r} has; files that are read as one have the same columns"
                    )
                check_types(schema, self.columns, repr(path))
                self.lists = holds_lists(schema.field(self.columns.caption).type)
                for number in range(file.num_row_groups):
                    count = file.metadata.row_group(number).num_rows
                    self.groups.append(_Group(n, number, rows, count))
                    rows += count
        if not rows:
            raise ValueError(f"the table of captions {self.source!r} has no rows")

    def blocks(self) -> int:
        """Return how many row groups there are."""
        return len(self.groups)

    def pairs_in(self, block: int) -> int:
        """Return how many pairs a row group has; only lists of captions are read for it."""
        group = self.groups[block]
        if not self.lists:
            return group.rows
        if block not in self._listed:
            try:
                found = sum(map(self._pairs, self._batches(group, [self.columns.caption])))
            except (OSError, ValueError):
                found = group.rows  # each fails when it is read
            self._listed[block] = found
        return self._listed[block]

    def block_pairs(self, block: int, first: int, skip: int) -> Iterator[Pair | FailedPair]:
        """Yield the pairs of a row group; what cannot be read of it fails, row by row."""
        group = self.groups[block]
        position, number, wanted = first, group.first, first + skip
        try:
            for batch in self._batches(group, self.columns.names):
                count = self._pairs(batch)
                if position + count <= wanted:
                    position, number = position + count, number + batch.num_rows
                    continue
                for cells in batch.to_pylist():
                    pairs = pairs_of(self._row(group, number, cells), position)
                    yield from pairs[max(wanted - position, 0) :]
                    position, number = position + len(pairs), number + 1
        except (OSError, ValueError) as error:
            path, at = self.paths[group.file], number - self._first_row(group.file)
            problem = f"{path!r} cannot be read from row {at} on: {summarize_error(error)}"
            for lost in range(max(position, wanted), first + self.pairs_in(block)):
                key = str(number + lost - position)
                yield from pairs_of(Row(key, None, path, "", None, problem), lost)

    def description(self) -> dict[str, Any]:
        """Return the path, columns, number of pairs, and a fingerprint of the files' sizes and times."""
        return {
            "kind": self.kind,
            "source": self.source,
            "options": {"images": self.images, **self.columns.options},
            "pairs": self.count(),
            "fingerprint": of_files(self.paths),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: a file's metadata can be read again."""
        return self.__dict__ | {"_kept": None}

    def _pairs(self, batch: pa.RecordBatch) -> int:
        """Return how many pairs a batch of rows makes."""
        import pyarrow.compute as pc

        if not self.lists:
            return int(batch.num_rows)
        lengths = pc.list_value_length(batch.column(self.columns.caption))
        return int(pc.sum(pc.max_element_wise(lengths, 1)).as_py() or 0)  # one where there is none

    def _first_row(self, file: int) -> int:
        return next(group.first for group in self.groups if group.file == file)

    def _row(self, group: _Group, number: int, cells: dict[str, Any]) -> Row:
        columns, path = self.columns, self.paths[group.file]
        place = f"{path}#{number - self._first_row(group.file)}"
        image, place = image_of(cells[columns.image], self.images, place)
        key = None if columns.id is None else cells[columns.id]
        box = None if columns.box is None else cells[columns.box]
        name = str(number) if is_missing(key) else str(key)
        return Row(name, image, place, cells[columns.caption], box)

    def _batches(self, group: _Group, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with self._opened(group.file) as file:
            yield from file.iter_batches(_BATCH, row_groups=[group.number], columns=columns)

    def _opened(self, number: int) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.paths[number]
        metadata = self._kept[1] if self._kept and self._kept[0] == number else None
        try:
            file = pq.ParquetFile(path, metadata=metadata)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise ValueError(
                f"the table of captions {path!r} cannot be read: {summarize_error(error)}"
            ) from error
        self._kept = number, file.metadata
        return file
