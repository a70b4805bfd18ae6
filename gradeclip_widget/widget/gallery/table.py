"""The rows of a run as a table to sort and filter: DuckDB over its Parquet files.

Opening reads the light columns alone. Rows are called by their number in the files' order, from 0.
"""

# ruff: noqa: S608  # What is put into queries here are names of columns; values travel beside them.

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import missing_extra
from ...core.evidence import COUNTS

if TYPE_CHECKING:
    import pandas as pd

IGNORED = 0.05  # a word is ignored up to this share of the largest importance in its caption
ROLES = ("any", "counts", "ignored")  # of the word that is filtered by
MEASURES = ("score", "concentration", "energy")  # columns to sort by, if they hold anything
DISAGREEMENT, POSITION = "disagreement", "position"
_LIGHT = ("id", POSITION, *MEASURES, "caption")
_BINS = 40

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Query:
    """Which rows, and in which order.

    Attributes:
        sort: what to sort by: ``"position"``, a measure, or ``"disagreement"``.
        descending: whether the largest come first.
        text: part of the caption, in any case; empty for all.
        word: words of the caption, each of which has the role; empty for all.
        word_role: ``"any"``; ``"counts"``, 15 % of the largest importance in the caption or more;
            ``"ignored"``, a twentieth or less.
        score_range: (lowest, highest) score, or ``None`` for all.
    """

    sort: str = POSITION
    descending: bool = False
    text: str = ""
    word: str = ""
    word_role: str = "any"
    score_range: tuple[float, float] | None = None

    @classmethod
    def of(cls, traits: Any) -> Query:
        """Return the query that an object's attributes of the same names ask for."""
        return cls(**{field.name: getattr(traits, field.name) for field in fields(cls)})


class PairTable:
    """The light columns of a run's pairs.

    Args:
        files: the run's Parquet files of pairs, in the order of the source.

    Raises:
        ImportError: DuckDB is not installed.
        ValueError: a file is damaged.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        duckdb = require_duckdb()
        self._error = duckdb.Error
        self._lock = threading.Lock()  # a connection serves one thread at a time
        self._connection = duckdb.connect()
        self._files = [str(file) for file in files]
        self._has_words = False
        self.counts = np.zeros(len(files), np.int64)  # rows of each file
        if not files:
            self._run(
                "CREATE TABLE pairs (row BIGINT, id VARCHAR, position BIGINT, score FLOAT, "
                "concentration FLOAT, energy FLOAT, caption VARCHAR)"
            )
        else:
            self._run(
                f"CREATE TABLE light AS SELECT {', '.join(_LIGHT)} FROM read_parquet($files)",
                files=self._files,
            )
            self._run("CREATE VIEW pairs AS SELECT rowid AS row, * FROM light")
            import pyarrow.parquet as pq

            self.counts[:] = [pq.read_metadata(file).num_rows for file in self._files]
        self.total = int(self.counts.sum())

    def cursor(self) -> Any:
        """Return a connection of its own to the same database, for one thread."""
        return self._connection.cursor()

    def column(self, name: str) -> NDArray[Any]:
        """Return a light column of all rows, (N,)."""
        values: NDArray[Any] = self._numpy(f"SELECT {name} FROM pairs ORDER BY row")[name]
        return values

    def measures(self) -> tuple[str, ...]:
        """Return the measures that at least one row has."""
        counts = ", ".join(f"count({name}) AS {name}" for name in MEASURES)
        found = self._numpy(f"SELECT {counts} FROM pairs")
        return tuple(name for name in MEASURES if found[name][0])

    def row_of(self, pair: str) -> int | None:
        """Return the row of an id, or ``None``."""
        found = self._numpy(
            "SELECT min(row) AS row FROM pairs WHERE id = $pair HAVING count(*) > 0", pair=pair
        )
        return int(found["row"][0]) if len(found["row"]) else None

    def id_of(self, row: int) -> str:
        """Return the id of a row."""
        return str(self._numpy("SELECT id FROM pairs WHERE row = $row", row=row)["id"][0])

    def order(self, query: Query) -> Rows:
        """Return the rows that a query asks for, in its order; rows without a value come last."""
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
        """Return how the scores of the rows are spread, whatever range of scores the query asks for.

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
        """Keep the disagreement of every row, (N,), NaN where there is none, to sort by it."""
        import pyarrow as pa

        table = pa.table(
            {
                "row": np.arange(len(values)),
                DISAGREEMENT: pa.array(values, mask=np.isnan(values)),
            }
        )
        with self._lock:
            self._connection.register("_given", table)
            self._run("CREATE OR REPLACE TABLE disagreements AS SELECT * FROM _given")
            self._connection.unregister("_given")

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
        wanted = pa.table({"row": rows, "place": np.arange(len(rows))})
        with self._lock:
            self._connection.register("_wanted", wanted)
            frame: pd.DataFrame = self._run(
                f"SELECT {', '.join(columns)}{more} FROM _wanted JOIN (SELECT row_number() OVER () - 1 AS "
                f"row, {', '.join(columns)} FROM read_parquet($files)) USING (row){join} ORDER BY place",
                files=self._files,
            ).df()
            self._connection.unregister("_wanted")
        return frame

    def _conditions(self, query: Query, *, scores: bool = True) -> tuple[str, dict[str, Any]]:
        """Return a query's filters as SQL, and the values in it."""
        found, values = ["true"], dict[str, Any]()
        if text := query.text.strip():
            found.append("contains(lower(caption), lower($text))")
            values["text"] = text
        for n, word in enumerate(query.word.split()):
            self._read_words()
            role = {
                "any": "",
                "counts": f" AND share >= {COUNTS}",
                "ignored": f" AND share <= {IGNORED}",
            }[query.word_role]
            found.append(f"row IN (SELECT row FROM words WHERE word = lower($word{n}){role})")
            values[f"word{n}"] = word
        if scores and query.score_range is not None:
            found.append("score BETWEEN $low AND $high")
            values["low"], values["high"] = query.score_range
        return " AND ".join(found), values

    def _read_words(self) -> None:
        """Read every word and its share of the largest importance in its caption, when first needed."""
        if self._has_words:
            return
        with self._lock:
            if not self._files:
                self._run("CREATE TABLE words (row BIGINT, word VARCHAR, share FLOAT)")
            else:
                self._run(
                    "CREATE TABLE words AS SELECT row, lower(word) AS word, "
                    "CASE WHEN most > 0 THEN importance / most WHEN most <= 0 THEN -1 END AS share "
                    "FROM (SELECT row_number() OVER () - 1 AS row, words, importances, "
                    "list_max(importances) AS most FROM read_parquet($files)) "
                    "CROSS JOIN LATERAL (SELECT unnest(words) AS word, unnest(importances) AS importance)",
                    files=self._files,
                )
        self._has_words = True

    def _numpy(self, sql: str, **values: Any) -> dict[str, NDArray[Any]]:
        with self._lock:
            found: dict[str, NDArray[Any]] = self._run(sql, **values).fetchnumpy()
        return found

    def _run(self, sql: str, **values: Any) -> Any:
        try:
            return self._connection.execute(sql, values)
        except self._error as error:
            raise ValueError(f"the run cannot be read: {error}") from error


def require_duckdb() -> Any:
    """Return DuckDB, or raise ``ImportError`` with the extra that installs it."""
    try:
        import duckdb
    except ImportError as error:
        raise missing_extra("duckdb", "dataset", "searches in a gallery") from error
    return duckdb
