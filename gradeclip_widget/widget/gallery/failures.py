"""The pairs of a run that failed, and why."""

# ruff: noqa: S608  # What is put into queries here are names of columns; values travel beside them.

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .table import require_duckdb

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("id", "position", "caption", "image", "stage", "error", "reason")


class Failures:
    """The pairs that failed, and why.

    Args:
        files: the run's Parquet files of errors.
        cursor: connects to DuckDB.
    """

    def __init__(self, files: Sequence[Path], cursor: Callable[[], Any]) -> None:
        self._files, self._cursor = [str(file) for file in files], cursor

    def summary(self) -> dict[str, Any]:
        """Return how many failed, ``count``, and how often at which stage with which error, ``kinds``."""
        kinds = [
            {"stage": stage, "error": error, "count": count}
            for stage, error, count in self._fetch(
                "SELECT stage, error, count(*) AS n FROM read_parquet($files) "
                "GROUP BY ALL ORDER BY n DESC, stage, error"
            )
        ]
        return {"count": sum(kind["count"] for kind in kinds), "kinds": kinds}

    def some(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return failures in the order of the source, from ``start`` to ``stop``."""
        found = self._fetch(
            f"SELECT {', '.join(_COLUMNS)} FROM read_parquet($files) ORDER BY position "
            f"LIMIT {int(stop) - int(start)} OFFSET {int(start)}"
        )
        return [dict(zip(_COLUMNS, row, strict=True)) for row in found]

    def frame(self) -> pd.DataFrame:
        """Return all of them as a pandas table."""
        import pandas as pd

        if not self._files:
            return pd.DataFrame(columns=_COLUMNS)
        return pd.concat([pd.read_parquet(file) for file in self._files], ignore_index=True)

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        if not self._files:
            return []
        duckdb = require_duckdb()
        try:
            with self._cursor() as connection:
                found: list[tuple[Any, ...]] = connection.execute(
                    sql, {"files": self._files}
                ).fetchall()
        except duckdb.Error as error:
            raise ValueError(f"the table of errors cannot be read: {error}") from error
        return found
