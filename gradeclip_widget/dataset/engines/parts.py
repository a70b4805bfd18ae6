"""Explain pairs in batches and collect the results in parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..batch_size import BatchSize, Explain
from ..explain_batch import Row
from ..job import Job
from ..pairs import FailedPair
from ..prepare import PreparedPair
from .loading import load_pairs


@dataclass(eq=False)
class Part:
    """The results of consecutive pairs of the source, which are written to one file.

    Attributes:
        number: of the part, from 0.
        rows: of the explained pairs.
        failed: the pairs that could not be explained.
    """

    number: int
    rows: list[Row] = field(default_factory=list)
    failed: list[FailedPair] = field(default_factory=list)

    def add(self, results: Iterable[Row | FailedPair]) -> None:
        """Add results."""
        for result in results:
            if isinstance(result, FailedPair):
                self.failed.append(result)
            else:
                self.rows.append(result)

    def sort(self) -> None:
        """Restore the order of the source; batches contain pairs of one shape each, which changes it."""
        self.rows.sort(key=lambda row: row["position"])
        self.failed.sort(key=lambda pair: pair.position)


@dataclass(eq=False)
class Batches:
    """Collects prepared pairs by shape, and explains a batch when it is full.

    Attributes:
        explain: explains prepared pairs whose pixels have the same shape.
        batch_size: how many at once.
        waiting: the pairs of each shape whose batch is not full yet.
    """

    explain: Explain
    batch_size: BatchSize
    waiting: dict[tuple[int, ...], list[PreparedPair]] = field(default_factory=dict)

    def add(self, prepared: PreparedPair) -> list[Row | FailedPair]:
        """Add a pair; return the results of its batch if that is full now, else an empty list."""
        shape = tuple(prepared.pixels.shape)
        batch = self.waiting.setdefault(shape, [])
        batch.append(prepared)
        full = len(batch) >= self.batch_size.size
        return self.batch_size.run(self.explain, self.waiting.pop(shape)) if full else []

    def flush(self) -> Iterator[list[Row | FailedPair]]:
        """Yield the results of all waiting pairs."""
        for shape in list(self.waiting):
            yield self.batch_size.run(self.explain, self.waiting.pop(shape))


def explain_parts(job: Job, ranges: Iterable[tuple[int, int | None]]) -> Iterator[Part]:
    """Yield the parts of a run when they are complete.

    Args:
        job: the run.
        ranges: of positions to explain, (start, stop), ascending; each begins where a part begins.
    """
    pairs = itertools.chain.from_iterable(job.source.pairs(start, stop) for start, stop in ranges)
    prepared_pairs = load_pairs(pairs, job.prepare, job.workers)
    batches = Batches(job.explain, job.batch_size)
    size = job.folder.rows_per_part
    for number, pairs_of_part in itertools.groupby(prepared_pairs, lambda p: _position(p) // size):
        part = Part(number)
        for prepared in pairs_of_part:
            if isinstance(prepared, FailedPair):
                results: list[Row | FailedPair] = [prepared]
            else:
                results = batches.add(prepared)
            part.add(results)
            if results:
                job.report(len(results))
        for results in batches.flush():
            part.add(results)
            job.report(len(results))
        part.sort()
        yield part


def _position(pair: PreparedPair | FailedPair) -> int:
    return pair.position if isinstance(pair, FailedPair) else pair.pair.position
