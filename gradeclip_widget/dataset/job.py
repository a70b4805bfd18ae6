"""All that an engine needs to explain the pairs of a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .batch_size import BatchSize
from .explain_batch import BatchExplainer, Row
from .pairs import PairSource
from .prepare import Preparation
from .runs.earlier import EarlierRows
from .runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Job:
    """A run to be computed.

    Attributes:
        source: the pairs.
        folder: the folder that parts are written to.
        earlier: rows of earlier starts, whose pairs need no model.
        explain: the model.
        prepare: reads a pair.
        batch_size: how many pairs are explained at once.
        workers: number of processes that read pairs ahead of the model.
        report: called with the number of pairs completed since the last call.
        keep: called with the rows of a part that is not finished because of an error.
    """

    source: PairSource
    folder: RunFolder
    earlier: EarlierRows
    explain: BatchExplainer
    prepare: Preparation
    batch_size: BatchSize
    workers: int
    report: Callable[[int], object]
    keep: Callable[[Sequence[Row]], object]

    def pending(self, *, bounded: bool = False) -> Iterator[tuple[int, int | None]]:
        """Yield the ranges of positions, (start, stop), that are not explained yet.

        If only reading the whole source would tell how many pairs it has, the last ``stop`` is ``None``.

        Args:
            bounded: whether to read the whole source in that case, so that every ``stop`` is a number.
        """
        count = self.source.count()
        if count is None and bounded:
            count = sum(1 for _ in self.source.pairs())
        return self.folder.pending(count)
