"""A run that is read from its folder, and two runs over the same pairs."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.paths import path_of
from ..libraries import require
from ..pairs import Contents
from .account import Account
from .disagreement import disagreements
from .folder import errors_files, frame_of, pairs_files, read_part, rows_of_files
from .reader import MAP_COLUMNS, Maps, RowReader
from .record import Record, read_record
from .schema import errors_schema, pairs_schema
from .table import NO_ROW, FailureTable, PairTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class DatasetRun:
    """A run over a dataset. `explain_dataset` and `open_run` return one.

    It is a path (``os.PathLike``), so that `browse` and `word_statistics` take it in place of its folder.
    Rows are numbered from 0 in the order of the source, failed pairs not counted.

    Attributes:
        path: the folder.
        record: the content of ``run.json``: model, method, options and source.
        files: the Parquet files of explained pairs that were complete when the run was opened.
    """

    path: Path
    record: Record = field(repr=False)
    files: list[Path] = field(repr=False)

    def __fspath__(self) -> str:
        """Return the path of the folder."""
        return str(self.path)

    def __repr__(self) -> str:
        counts = f"{self.explained:,} explained, {self.failed:,} failed"
        return f"{type(self).__name__}({str(self.path)!r}: {counts})"

    def _repr_html_(self) -> str:
        """Return the account for notebooks."""
        lines = "<br>".join(map(html.escape, self.account.lines))
        return f"<p><b>{html.escape(self.label)}</b>: {html.escape(str(self.path))}<br>{lines}</p>"

    @property
    def label(self) -> str:
        """The names of the run's method and model."""
        method, model = self.record["method"], self.record["model"]
        return f"{method.get('label') or method['name']} · {model['name']}"

    @cached_property
    def explained(self) -> int:
        """How many pairs have a row."""
        return sum(rows_of_files(self.files, pairs_schema(None)))

    @cached_property
    def failed(self) -> int:
        """How many pairs could not be explained; `errors` lists them."""
        return sum(rows_of_files(errors_files(self.path), errors_schema()))

    @cached_property
    def taken_over(self) -> int:
        """How many of the explained pairs an earlier start explained, before the source changed."""
        return self._count("taken_over")

    @cached_property
    def account(self) -> Account:
        """What became of every picture and caption of the source; ``print(run.account)`` shows it as text.

        As long as the run is not complete, only the pairs in its complete parts are counted.
        """
        stored = self.record.get("account")
        if stored is not None:
            return Account.from_record(stored)
        return Account.of(Contents(), self.explained, self.taken_over, self.failures.summary(), 0)

    @cached_property
    def foreign(self) -> int:
        """How many pairs have a picture that is unlike all pictures that the model was trained on."""
        return self._count("foreign")

    def to_frame(self) -> pd.DataFrame:
        """Return all rows as a pandas table.

        ``score`` and ``importances`` are in units of the score; ``map`` is the whole caption's raw map, in
        units of the method; ``cover``, ``width`` and ``height`` are in pixels of the picture.
        """
        return frame_of(self.files, pairs_schema(None))

    @property
    def errors(self) -> pd.DataFrame:
        """The pairs that could not be explained, and the reasons, as a pandas table."""
        return self.failures.frame()

    def _count(self, column: str) -> int:
        """Return in how many rows a column is true."""
        tables = (read_part(path, [column]) for path in self.files)
        return sum(table[column].to_pylist().count(True) for table in tables)

    @cached_property
    def table(self) -> PairTable:
        """The light columns of all rows, to search and sort; DuckDB reads them once."""
        return PairTable(self.files)

    @cached_property
    def failures(self) -> FailureTable:
        """The failed pairs, page by page."""
        return FailureTable(errors_files(self.path), self.table)

    def reader(self, columns: Sequence[str]) -> RowReader:
        """Return a reader of columns of any rows."""
        return RowReader(self.files, self.table.counts, columns)

    def disagreements(self, other: DatasetRun) -> NDArray[np.float32]:
        """Return how far the maps of two runs disagree: 1 - the cosine of their positive parts.

        Args:
            other: a run over the same source, by another method or model.

        Returns:
            (N,) between 0 and 1, one for each row; NaN if the other run does not have the pair, if a map has
            no positive patch, or if the two maps cover no common part of the picture.

        Raises:
            ValueError: the runs share no pair.
        """
        return Comparison.of(self, other).disagreements()


def open_run(out: str | PathLike[str]) -> DatasetRun:
    """Open the folder of a run to read it. It needs no model, and no widget.

    >>> import tempfile, gradeclip_widget as gw
    >>> pairs = [(scene.image, scene.caption) for scene in gw.demo.scenes()[:2]]
    >>> folder = gw.explain_dataset(pairs, tempfile.mkdtemp(), progress=False).path
    >>> run = gw.open_run(folder)
    >>> run.label, run.explained, len(run.errors)
    ('Grad-ECLIP · demo', 2, 0)

    Args:
        out: the folder that `explain_dataset` writes to. The run need not be complete.

    Raises:
        FileNotFoundError: the folder does not exist, or has no run in it.
        UnreadableFileError: the run is damaged, or was written by a newer version.
        ValueError: it has no complete part yet.
        ImportError: the extra ``dataset`` is not installed.
    """
    require("pyarrow.parquet", "tables of explained pairs")
    folder = path_of(out)
    run = DatasetRun(folder, read_record(folder), pairs_files(folder))
    if not run.files:
        raise ValueError(
            f"the run in {str(out)!r} has no complete part yet: start gw.explain_dataset(...) again, which "
            "continues it, and open it when a part is complete"
        )
    return run


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs over the same pairs.

    Attributes:
        run: the first run.
        label: that of the other run, with the name of its folder if both labels are equal.
        partners: (N,) row of the other run for each row of the first, or `NO_ROW`.
        maps: the maps of the other run.
    """

    run: DatasetRun
    label: str
    partners: NDArray[np.int64]
    maps: RowReader

    @classmethod
    def of(cls, run: DatasetRun, other: DatasetRun) -> Comparison:
        """Return the comparison of two runs; pairs are matched by the content of their pictures and captions.

        Raises:
            ValueError: the runs share no pair.
        """
        partners = run.table.partners(other.table)
        if len(partners) and (partners == NO_ROW).all():
            captions = np.isin(run.table.column("caption"), other.table.column("caption")).any()
            problem = (
                "the captions are in both, but with other pictures"
                if captions
                else "no caption is in both"
            )
            raise ValueError(
                f"{str(run.path)!r} and {str(other.path)!r} share no pair: {problem}; explain the same "
                "source for both"
            )
        label = other.label if other.label != run.label else f"{other.label} ({other.path.name})"
        return cls(run, label, partners, other.reader(MAP_COLUMNS))

    def disagreements(self, report: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Return the disagreement of every row, as `DatasetRun.disagreements`.

        Args:
            report: called with the number of rows compared, after each row group.
        """
        values = np.full(len(self.partners), np.nan, np.float32)
        start = 0
        for table in self.run.reader(MAP_COLUMNS).batches(MAP_COLUMNS):
            stop = start + table.num_rows
            partners = self.partners[start:stop]
            shared = np.flatnonzero(partners != NO_ROW)
            if len(shared):
                other = Maps.of(self.maps.take(partners[shared]))
                values[start + shared] = disagreements(Maps.of(table.take(shared)), other)
            start = stop
            if report is not None:
                report(start)
        return values
