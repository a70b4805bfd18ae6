"""Explain pairs in batches and collect the results in parts."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from ..batch_size import BatchSize, Explain
from ..explain_batch import Row
from ..job import Job
from ..pairs import FailedPair, ListedPair
from ..prepare import LoadedPair, PreparedPair
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


def explain_parts(
    job: Job, ranges: Iterable[tuple[int, int | None]]
) -> Generator[Part, None, None]:
    """Yield the parts of a run when they are complete.

    If it raises an error or is closed early, the rows of the part that is not complete are kept.

    Args:
        job: the run.
        ranges: of positions to explain, (start, stop), ascending; each begins where a part begins.
    """
    pairs = itertools.chain.from_iterable(job.source.pairs(start, stop) for start, stop in ranges)
    listed: Iterable[ListedPair] = map(job.earlier.find, pairs) if job.earlier else pairs
    batches = Batches(job.explain, job.batch_size)
    size = job.folder.rows_per_part
    part = Part(0)
    try:
        with closing(load_pairs(listed, job.prepare, job.workers)) as loaded:
            for number, pairs_of_part in itertools.groupby(loaded, lambda p: _position(p) // size):
                part = Part(number)
                for pair in pairs_of_part:
                    results = _known(job, pair)
                    if isinstance(pair, PreparedPair) and not results:
                        results = batches.add(pair)
                    part.add(results)
                    if results:
                        job.report(len(results))
                for results in batches.flush():
                    part.add(results)
                    job.report(len(results))
                part.sort()
                yield part
                part = Part(0)
    except BaseException:  # interrupts too
        job.keep(part.rows)
        raise


def _known(job: Job, pair: LoadedPair) -> list[Row | FailedPair]:
    """Return the result of a pair that needs no model; an empty list for the others."""
    if isinstance(pair, FailedPair):
        return [pair]
    if isinstance(pair, PreparedPair):
        row = job.earlier.match(pair) if job.earlier else None
        return [] if row is None else [row]
    return [pair.row]


def _position(pair: LoadedPair) -> int:
    return pair.pair.position if isinstance(pair, PreparedPair) else pair.position
