"""Pairs from tables in memory: of pyarrow, Polars, and others that give their columns to Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..libraries import require
from .base import fingerprint_values
from .columns import Options, check_types, find_columns, is_list
from .rows import Row
from .tables import ArrowTable, lists_as_text

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 512  # rows converted at once
_NAME = "the table"


def is_table(source: Any) -> bool:
    """Return whether an object is a table in memory, or a query that gives one; not one of pandas."""
    library = type(source).__module__.partition(".")[0]
    if library in ("pyarrow", "polars") and hasattr(type(source), "schema"):
        return True
    return library != "pandas" and hasattr(source, "__arrow_c_stream__")


class InMemoryTable(ArrowTable):
    """Rows of a table with Arrow's types."""

    kind = "arrow"

    def __init__(self, source: Any, images: str, options: Options) -> None:
        """Find the columns.

        Args:
            source: a table, record batch or dataset of pyarrow, a frame of Polars, or another object with
                ``__arrow_c_stream__``.
            images: the folder that paths of pictures are relative to.
            options: names of the columns, if they are unusual.

        Raises:
            TypeError: the source is a query of Polars that is not computed yet.
            ValueError: there are no rows or no such columns.
            ModuleNotFoundError: pyarrow is not installed.
        """
        require("pyarrow", "tables in memory")
        if hasattr(source, "collect"):
            raise TypeError(
                f"a {type(source).__name__} is not computed yet; give its table: {type(source).__name__}"
                ".collect()"
            )
        self.images = images
        table = _table(source)
        names = table.schema.names
        self.columns = find_columns(names, options, _NAME)
        if twice := [name for name in self.columns.names if names.count(name) > 1]:
            raise ValueError(
                f"{_NAME} has several columns {twice[0]!r}; name one of them differently"
            )
        self._table = table.select(self.columns.names)
        self.types = self._table.schema
        check_types(self.types, self.columns, _NAME)
        if not self._table.num_rows:
            raise ValueError(f"{_NAME} has no rows")
        captions = self._table.column(self.columns.caption)
        self.lists = is_list(captions.type) or lists_as_text(captions[:100].to_pylist())
        self._counts: list[int] | None = None

    def blocks(self) -> int:
        """Return the number of blocks of 512 rows."""
        return -(-int(self._table.num_rows) // _BLOCK)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a block of rows."""
        if self._counts is None:
            captions = self._table.column(self.columns.caption)
            parts = (captions[n * _BLOCK : (n + 1) * _BLOCK] for n in range(self.blocks()))
            self._counts = [self.pairs_of_rows(part) for part in parts]
        return self._counts[block]

    def block_rows(self, block: int, skip: int) -> Iterator[Row]:
        """Yield the rows of a block."""
        rows = self._table.slice(block * _BLOCK, _BLOCK).to_pylist()
        for number, cells in enumerate(rows, block * _BLOCK):
            yield self.row(cells, number, f"row {number}")

    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield some columns of every row."""
        for batch in self._table.select(list(dict.fromkeys(names))).to_batches(_BLOCK):
            yield from batch.to_pylist()

    def files(self) -> list[str]:
        """Return no paths."""
        return []

    def description(self) -> dict[str, Any]:
        """Return columns, number of pairs, and a fingerprint of all cells."""
        values = (cells for batch in self._table.to_batches(_BLOCK) for cells in batch.to_pylist())
        return {
            "kind": self.kind,
            "source": None,
            "options": self.columns.options,
            "pairs": self.count(),
            "fingerprint": fingerprint_values(one for cells in values for one in cells.values()),
        }


def _table(source: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(source, pa.Table):
        return source
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if type(source).__module__.startswith("pyarrow") and hasattr(source, "to_table"):  # a dataset
        return source.to_table()
    return pa.table(source)
