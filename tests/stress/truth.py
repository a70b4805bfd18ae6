"""What the rows of a dataset run must be, and whether they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

import gradeclip_widget as gw

from .outcome import Fault
from .shared import Shared, make_picture

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Truth:
    """The pairs that a source has.

    Attributes:
        pairs: number of the picture, and caption, of each pair that can be explained.
        failing: how many pairs cannot be explained.
    """

    pairs: tuple[tuple[int, str], ...]
    failing: int = 0


def check_run(run: gw.DatasetRun, truth: Truth, shared: Shared) -> None:
    """Raise `Fault` unless every pair has its own row, and every pair that fails is listed.

    Pictures are told by their size and by the score, which was computed for each picture and caption alone.
    """
    columns = ["position", "caption", "width", "score"]
    rows = [row for file in run.files for row in pq.read_table(file, columns=columns).to_pylist()]
    positions = [row["position"] for row in rows]
    if len(set(positions)) != len(positions):
        raise Fault(f"rows doubled: positions {sorted(positions)}")
    expected, answered = Counter(truth.pairs), Counter(_pairs(rows, truth, shared))
    if expected != answered:
        raise Fault(f"rows missing {expected - answered}, rows too many {answered - expected}")
    if len(run.errors) != truth.failing:
        reasons = run.errors.to_dict("records")
        raise Fault(f"{len(run.errors)} failures, not {truth.failing}: {reasons!r:.500}")
    if (run.explained, run.failed) != (len(truth.pairs), truth.failing):
        raise Fault(f"the run counts {run.explained} and {run.failed}")


def _pairs(
    rows: Iterable[dict[str, Any]], truth: Truth, shared: Shared
) -> Iterable[tuple[int | str, str]]:
    """Yield the picture and the caption of each row."""
    numbers = {number for number, _ in truth.pairs}
    for row in rows:
        for number in numbers:
            score = shared.scores.get((number, row["caption"]))
            same_size = make_picture(number).width == row["width"]
            if score is not None and same_size and abs(score - row["score"]) < TOLERANCE:
                yield number, row["caption"]
                break
        else:
            yield (
                f"another picture, {row['width']} px wide, score {row['score']:.5f}",
                row["caption"],
            )
