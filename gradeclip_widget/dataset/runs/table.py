"""The rows of a run as a table to sort and filter: DuckDB over its Parquet files.

Only the light columns are read at opening. Rows are numbered from 0 in the order of the files.
"""

# ruff: noqa: S608  # Only names of columns are formatted into queries; values are bound as parameters.

from __future__ import annotations

import contextlib
import glob
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import UnreadableFileError, summarize_error
from ...core.evidence import COUNTS
from ..libraries import require
from .account import Failures
from .folder import frame_of, read_part, rows_of_files
from .schema import errors_schema, pairs_schema

if TYPE_CHECKING:
    import pandas as pd

IGNORED = 0.05  # a word is ignored up to this share of the largest importance in its caption
ROLES = ("any", "counts", "ignored")  # of the word in a query
MEASURES = ("score", "concentration", "energy")  # columns to sort by, if a row has a value
DISAGREEMENT, POSITION = "disagreement", "position"
_LIGHT = ("id", POSITION, *MEASURES, "caption")
_FAILURE = ("id", POSITION, "caption", "image", "stage", "error", "reason")
_BINS = 40  # of the histogram of scores

NO_ROW = -1  # in place of the row of a pair that another run does not have

# A pair is its picture and its caption. Equal pairs of a run are numbered, so that each has one partner only.
_KEYS = """
    SELECT row, picture, caption,
        row_number() OVER (PARTITION BY picture, caption ORDER BY row) AS nth
    FROM (SELECT row_number() OVER () - 1 AS row, picture, caption FROM read_parquet({files}))
"""
_PARTNERS = f"""
    SELECT one.row AS row, other.row AS partner
    FROM ({_KEYS.format(files="$ours")}) one JOIN ({_KEYS.format(files="$theirs")}) other
    USING (picture, caption, nth)
"""

Rows = NDArray[np.int64]


def duckdb_paths(files: Iterable[Path]) -> list[str]:
    """Return the paths of files with wildcards escaped, which DuckDB would expand."""
    return [glob.escape(str(file)) for file in files]


@contextlib.contextmanager
def searching(files: Sequence[Path]) -> Iterator[None]:
    """Raise `UnreadableFileError` in place of DuckDB's errors, which have SQL in them, on a run's files."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        for file in files:  # one of them is damaged: find it by reading it
            read_part(file)
        raise UnreadableFileError(
            files[0].parent,
            f"cannot be searched ({summarize_error(error)}); start gw.explain_dataset(...) again",
        ) from error


@dataclass(frozen=True)
class Query:
    """Which rows, and in which order.

    Attributes:
        sort: column to sort by: ``"position"``, a measure, or ``"disagreement"``.
        descending: whether the largest values come first.
        text: part of the caption, upper and lower case alike; empty for all rows.
        word: words of the caption, all with the role; empty for all rows.
        word_role: ``"any"``; ``"counts"``, 15 % of the largest importance in the caption or more;
            ``"ignored"``, 5 % or less.
        score_range: (lowest, highest) score, or ``None`` for all rows.
    """

    sort: str = POSITION
    descending: bool = False
    text: str = ""
    word: str = ""
    word_role: str = "any"
    score_range: tuple[float, float] | None = None

    @classmethod
    def of(cls, traits: Any) -> Query:
        """Return the query in an object's attributes of the same names."""
        return cls(**{field.name: getattr(traits, field.name) for field in fields(cls)})


class PairTable:
    """The light columns of a run's pairs.

    Args:
        files: the run's Parquet files of pairs, in the order of the source.

    Raises:
        ImportError: DuckDB is not installed.
        UnreadableFileError: a file is damaged.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        duckdb = require("duckdb", "searches in a run")
        self._lock = threading.Lock()  # only one thread at a time may use a connection
        self._connection = duckdb.connect()
        self._paths, self._files = list(files), duckdb_paths(files)
        self._has_words = False
        self.counts = np.array(rows_of_files(files, pairs_schema(None)), np.int64)  # of each file
        self._run(
            f"CREATE TABLE light AS SELECT {', '.join(_LIGHT)} FROM read_parquet($files)",
            files=self._files,
        )
        self._run("CREATE VIEW pairs AS SELECT rowid AS row, * FROM light")
        if odd := self.fetch("SELECT id FROM light WHERE NOT isfinite(score) LIMIT 1"):
            raise UnreadableFileError(
                files[0].parent, f"has no finite score for {odd[0][0]!r:.60}; start the run again"
            )
        self.total = int(self.counts.sum())

    def column(self, name: str) -> NDArray[Any]:
        """Return a light column of all rows, (N,)."""
        values: NDArray[Any] = self._numpy(f"SELECT {name} FROM pairs ORDER BY row")[name]
        return values

    def measures(self) -> tuple[str, ...]:
        """Return the measures for which at least one row has a value."""
        counts = ", ".join(f"count({name}) AS {name}" for name in MEASURES)
        rows_with = self._numpy(f"SELECT {counts} FROM pairs")
        return tuple(name for name in MEASURES if rows_with[name][0])

    def row_of(self, pair: str) -> int | None:
        """Return the row of an id, or ``None``."""
        rows = self._numpy(
            "SELECT min(row) AS row FROM pairs WHERE id = $pair HAVING count(*) > 0", pair=pair
        )["row"]
        return int(rows[0]) if len(rows) else None

    def id_of(self, row: int) -> str:
        """Return the id of a row."""
        return str(self._numpy("SELECT id FROM pairs WHERE row = $row", row=row)["id"][0])

    def partners(self, other: PairTable) -> Rows:
        """Return the row of the same pair in another run for each row, (N,), or `NO_ROW`.

        Pairs are the same if their pictures have the same content, and their captions are equal: ids and
        positions change when rows are added to a source, and pictures change behind their paths.
        """
        pairs = self._numpy(_PARTNERS, ours=self._files, theirs=other._files)
        partners = np.full(self.total, NO_ROW, np.int64)
        partners[pairs["row"]] = pairs["partner"]
        return partners

    def order(self, query: Query) -> Rows:
        """Return the rows of a query, in its order; rows without a value come last."""
        where, values = self._conditions(query)
        direction = "DESC" if query.descending else "ASC"
        source = "pairs"
        if query.sort == DISAGREEMENT:
            source = "pairs LEFT JOIN disagreements USING (row)"
        rows = self._numpy(
            f"SELECT row FROM {source} WHERE {where} ORDER BY {query.sort} {direction} NULLS LAST, row",
            **values,
        )["row"]
        return np.asarray(rows, np.int64)

    def histogram(self, query: Query) -> dict[str, Any]:
        """Return the distribution of the scores of a query's rows, without the query's range of scores.

        Returns:
            ``low`` and ``high``, the least and greatest score of all rows, ``None`` without rows; and
            ``counts`` of the query's rows in equal steps between them.
        """
        lowest, highest = self._numpy("SELECT min(score) AS a, max(score) AS b FROM pairs").values()
        if not self.total:
            return {"low": None, "high": None, "counts": []}
        low, high = float(lowest[0]), float(highest[0])
        where, values = self._conditions(query, scores=False)
        scores = self._numpy(f"SELECT score FROM pairs WHERE {where}", **values)["score"]
        counts, _ = np.histogram(scores, _BINS, (low, high) if low < high else (low, low + 1))
        return {"low": low, "high": high, "counts": counts.tolist()}

    def set_disagreements(self, values: NDArray[np.float32]) -> None:
        """Store the disagreement of every row, (N,), NaN if it has none, to sort by it."""
        import pyarrow as pa

        table = pa.table(
            {
                "row": np.arange(len(values)),
                DISAGREEMENT: pa.array(values, mask=np.isnan(values)),
            }
        )
        with self._lock:
            self._connection.register("_disagreements", table)
            self._run("CREATE OR REPLACE TABLE disagreements AS SELECT * FROM _disagreements")
            self._connection.unregister("_disagreements")

    def frame(self, rows: Rows, columns: Sequence[str], disagreements: bool) -> pd.DataFrame:
        """Return columns of rows as a pandas table, in the order of the rows.

        Args:
            rows: the rows.
            columns: of the Parquet files.
            disagreements: whether to add a column of them.
        """
        import pyarrow as pa

        more = f", {DISAGREEMENT}" if disagreements else ""
        join = " LEFT JOIN disagreements USING (row)" if disagreements else ""
        with self._lock:
            self._connection.register(
                "_rows", pa.table({"row": rows, "place": np.arange(len(rows))})
            )
            frame: pd.DataFrame = self._run(
                f"SELECT {', '.join(columns)}{more} FROM _rows JOIN (SELECT row_number() OVER () - 1 AS "
                f"row, {', '.join(columns)} FROM read_parquet($files)) USING (row){join} ORDER BY place",
                files=self._files,
            ).df()
            self._connection.unregister("_rows")
        return frame

    def _conditions(self, query: Query, *, scores: bool = True) -> tuple[str, dict[str, Any]]:
        """Return a query's filters as SQL, and the values in it."""
        conditions, values = ["true"], dict[str, Any]()
        if text := query.text.strip():
            conditions.append("contains(lower(caption), lower($text))")
            values["text"] = text
        for n, word in enumerate(query.word.split()):
            self._read_words()
            role = {
                "any": "",
                "counts": f" AND share >= {COUNTS}",
                "ignored": f" AND share <= {IGNORED}",
            }[query.word_role]
            conditions.append(f"row IN (SELECT row FROM words WHERE word = lower($word{n}){role})")
            values[f"word{n}"] = word
        if scores and query.score_range is not None:
            conditions.append("score BETWEEN $low AND $high")
            values["low"], values["high"] = query.score_range
        return " AND ".join(conditions), values

    def _read_words(self) -> None:
        """Read every word and its share of the largest importance in its caption, when first needed."""
        if self._has_words:
            return
        with self._lock:
            self._run(
                "CREATE TABLE words AS SELECT row, lower(word) AS word, "
                "CASE WHEN largest > 0 THEN importance / largest "
                "WHEN largest <= 0 AND importance IS NOT NULL THEN -1 END AS share "
                "FROM (SELECT row_number() OVER () - 1 AS row, words, importances, "
                "list_max(importances) AS largest FROM read_parquet($files)) "
                "CROSS JOIN LATERAL (SELECT unnest(words) AS word, unnest(importances) AS importance)",
                files=self._files,
            )
        self._has_words = True

    def fetch(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query in SQL.

        Raises:
            UnreadableFileError: a file of the run is damaged, or was removed.
        """
        with self._lock:
            rows: list[tuple[Any, ...]] = self._run(sql, **values).fetchall()
        return rows

    def _numpy(self, sql: str, **values: Any) -> dict[str, NDArray[Any]]:
        with self._lock:
            columns: dict[str, NDArray[Any]] = self._run(sql, **values).fetchnumpy()
        return columns

    def _run(self, sql: str, **values: Any) -> Any:
        with searching(self._paths):
            return self._connection.execute(sql, values)


class FailureTable:
    """The pairs of a run that failed, and why.

    Args:
        files: the run's Parquet files of errors.
        table: runs the queries.
    """

    def __init__(self, files: Sequence[Path], table: PairTable) -> None:
        self._paths, self._table = list(files), table

    def summary(self) -> list[Failures]:
        """Return how many pairs failed at each stage with each error, and the first of them."""
        return [
            Failures(*row)
            for row in self._fetch(
                "SELECT stage, error, count(*) AS n, arg_min(id, position), arg_min(reason, position) "
                "FROM read_parquet($files) GROUP BY stage, error ORDER BY n DESC, stage, error"
            )
        ]

    def page(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return the failures from ``start`` to ``stop``, in the order of the source."""
        rows = self._fetch(
            f"SELECT {', '.join(_FAILURE)} FROM read_parquet($files) ORDER BY position "
            f"LIMIT {int(stop) - int(start)} OFFSET {int(start)}"
        )
        return [dict(zip(_FAILURE, row, strict=True)) for row in rows]

    def frame(self) -> pd.DataFrame:
        """Return all failures as a pandas table."""
        return frame_of(self._paths, errors_schema())

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        if not self._paths:
            return []
        rows_of_files(self._paths, errors_schema())
        return self._table.fetch(sql, files=duckdb_paths(self._paths))
