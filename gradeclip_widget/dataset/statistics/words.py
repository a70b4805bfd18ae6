"""Importance of each word over all pairs of a run, and the differences between two runs."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.evidence import COUNTS
from ..libraries import require
from ..runs import DatasetRun, open_run
from ..runs.dataset_run import Comparison
from ..runs.table import NO_ROW, duckdb_paths, searching

if TYPE_CHECKING:
    import pandas as pd

    Values = NDArray[np.float64]

# Tables of a run; {run} is its number, and `pair` the number of a row. A word that occurs twice in a caption
# is one word of the pair, with the sum of both importances.
_TABLES = """
    CREATE TABLE pairs_{run} AS
    SELECT * FROM (
        SELECT words, importances, row_number() OVER () - 1 AS pair FROM read_parquet($files)
    ) WHERE importances IS NOT NULL;

    CREATE TABLE word_occurrences_{run} AS SELECT * FROM (
        SELECT pair, lower(unnest(words)) AS word, unnest(importances)::DOUBLE AS importance
        FROM pairs_{run}
    ) WHERE isfinite(importance);

    CREATE TABLE words_{run} AS
    SELECT pair, word, sum(importance) AS importance,
        sum(greatest(importance, 0)) / nullif(any_value(positive), 0) AS share,
        bool_or(importance > 0 AND importance >= {counts} * largest)::INT AS counts
    FROM word_occurrences_{run} JOIN (
        SELECT pair, max(importance) AS largest, sum(greatest(importance, 0)) AS positive
        FROM word_occurrences_{run} GROUP BY pair
    ) USING (pair) GROUP BY pair, word
"""
_STATISTICS = """
    SELECT word, count(*) AS pairs, avg(importance) AS mean, stddev_samp(importance) AS deviation,
        median(importance) AS median, avg(share) AS share, count(share) AS shares,
        stddev_samp(share) AS share_deviation, avg(counts) AS counts,
        avg((importance < 0)::INT) AS lowers
    FROM words_{run} GROUP BY word
"""
_DIFFERENCES = """
    SELECT a.word AS word, count(*) AS shared,
        avg(b.importance - a.importance) AS difference,
        stddev_samp(b.importance - a.importance) AS difference_deviation,
        avg(b.share - a.share) AS share_difference, count(b.share - a.share) AS share_differences,
        stddev_samp(b.share - a.share) AS share_difference_deviation
    FROM shared JOIN words_0 a ON a.pair = one JOIN words_1 b ON b.pair = other AND b.word = a.word
    GROUP BY a.word
"""


def word_statistics(
    out: str | PathLike[str], other: str | PathLike[str] | None = None, *, minimum: int = 5
) -> pd.DataFrame:
    """Return the importance of each word over the pairs of a run, by descending share.

    Words are compared in lower case. Intervals are 95 % intervals of the mean over pairs, by Student's t.

    Args:
        out: a run of `explain_dataset`, or its folder.
        other: another run to compare with, of another model or method for example.
        minimum: leave out words that occur in fewer pairs.

    Returns:
        A row per word: ``word``; ``pairs``: number of pairs with the word in the caption; ``mean``, ``low``,
        ``high`` and ``median`` of its importance, in units of the score; ``share``, ``share_low`` and
        ``share_high``: mean of its fraction of the caption's summed positive importances; ``counts``:
        fraction of the pairs in which its importance is at least 15 % of the caption's largest; ``lowers``:
        fraction of the pairs in which it is negative.

        With ``other``, the same columns of that run, with the suffix ``_other``, and the differences from
        ``out`` to ``other`` on pairs of the same picture and caption: ``shared`` (number of these pairs),
        ``difference`` of the importance and ``share_difference``, each with ``_low`` and ``_high``.
        Differences of fewer than ``minimum`` shared pairs are missing (NaN). If the scores of two models
        differ in scale, compare shares.

    Raises:
        FileNotFoundError: a folder has no run in it.
        UnreadableFileError: a file of a run is damaged.
        ValueError: a run has no complete part or no importances, no word has ``minimum`` pairs, or the runs
            share no pairs.
        ModuleNotFoundError: duckdb is not installed.
    """
    if minimum < 1:
        raise ValueError(f"minimum={minimum}: give at least 1")
    duckdb = require("duckdb", "Word statistics")
    runs = [open_run(out)] if other is None else [open_run(out), open_run(other)]
    with duckdb.connect() as database:
        database.execute("SET enable_progress_bar = false")
        tables = [_intervals(_read(database, run, number)) for number, run in enumerate(runs)]
        statistics = tables[0]
        if other is not None:
            changes = _changes(_compared(database, *runs), minimum)
            statistics = statistics.merge(
                tables[1], on="word", how="left", suffixes=("", "_other")
            ).merge(changes, on="word", how="left")
            for column in ("pairs_other", "shared"):
                statistics[column] = statistics[column].fillna(0).astype(np.int64)
    most = int(statistics["pairs"].max())
    statistics = statistics[statistics["pairs"] >= minimum]
    if statistics.empty:
        raise ValueError(
            f"no word of {str(out)!r} is in {minimum} pairs, the most frequent in {most}; give a smaller "
            "minimum="
        )
    statistics = statistics.sort_values(
        ["share", "pairs", "word"], ascending=[False, False, True]
    ).reset_index(drop=True)
    statistics.attrs["runs"] = [f"{run.path.name} ({run.label})" for run in runs]
    return statistics


def _read(database: Any, run: DatasetRun, number: int) -> pd.DataFrame:
    """Make the tables of a run and return the statistics of its words."""
    files = duckdb_paths(run.files)
    with searching(run.files):
        for statement in _TABLES.format(run=number, counts=COUNTS).split(";"):
            database.execute(statement, {"files": files} if "$files" in statement else None)
        table: pd.DataFrame = database.execute(_STATISTICS.format(run=number)).df()
    if table.empty:
        raise ValueError(
            f"the run in {str(run.path)!r} has no importances of words; make one with importances=True, in "
            "another folder"
        )
    return table


def _compared(database: Any, run: DatasetRun, other: DatasetRun) -> pd.DataFrame:
    """Return the differences of words on the pairs that are in both runs."""
    import pyarrow as pa

    partners = Comparison.of(run, other).partners
    rows = np.flatnonzero(partners != NO_ROW)
    database.register("shared", pa.table({"one": rows, "other": partners[rows]}))
    table: pd.DataFrame = database.execute(_DIFFERENCES).df()
    return table


def _intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of one run, with intervals instead of deviations."""
    half = _half_width(table["deviation"], table["pairs"])
    share_half = _half_width(table["share_deviation"], table["shares"])
    table["low"], table["high"] = table["mean"] - half, table["mean"] + half
    table["share_low"] = table["share"] - share_half
    table["share_high"] = table["share"] + share_half
    order = ["word", "pairs", "mean", "low", "high", "median", "share", "share_low", "share_high"]
    return table[[*order, "counts", "lowers"]]


def _changes(table: pd.DataFrame, minimum: int) -> pd.DataFrame:
    columns = ["word", "shared"]
    for name, count in (("difference", "shared"), ("share_difference", "share_differences")):
        few = table[count] < minimum
        half = _half_width(table[f"{name}_deviation"], table[count])
        table[f"{name}_low"] = (table[name] - half).mask(few)
        table[f"{name}_high"] = (table[name] + half).mask(few)
        table[name] = table[name].mask(few)
        columns += [name, f"{name}_low", f"{name}_high"]
    return table[columns]


def _half_width(deviation: pd.Series, count: pd.Series) -> Values:
    """Return half the width of the 95 % interval of a mean, by Student's t; NaN for a single value."""
    from scipy.stats import t  # importing it takes half a second

    n = count.to_numpy(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        half: Values = t.ppf(0.975, n - 1) * deviation.to_numpy(np.float64) / np.sqrt(n)
    return half
