"""Explain prepared pairs batch by batch and part by part."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..batch_size import BatchSize, Explain
from ..explain_batch import Row
from ..pairs import FailedPair
from ..prepare import PreparedPair


@dataclass(eq=False)
class Part:
    """Consecutive pairs of the source, which become one file.

    Attributes:
        number: which part.
        rows: those that were explained, in the order of the source once the part is whole.
        failed: those that could not be.
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
        """Bring the rows into the order of the source; batches of like shape have changed it."""
        self.rows.sort(key=lambda row: row["position"])
        self.failed.sort(key=lambda pair: pair.position)


@dataclass(eq=False)
class Batches:
    """Collects prepared pairs until a batch of one shape is full, and has it explained.

    Attributes:
        explain: explains prepared pairs of one shape.
        batch_size: how many at once.
        waiting: the pairs of each shape that do not make a full batch yet.
    """

    explain: Explain
    batch_size: BatchSize
    waiting: dict[tuple[int, ...], list[PreparedPair]] = field(default_factory=dict)

    def add(self, prepared: PreparedPair) -> list[Row | FailedPair]:
        """Return the results of the batch that the pair fills, or none yet."""
        shape = tuple(prepared.pixels.shape)
        batch = self.waiting.setdefault(shape, [])
        batch.append(prepared)
        full = len(batch) >= self.batch_size.size
        return self.batch_size.run(self.explain, self.waiting.pop(shape)) if full else []

    def flush(self) -> Iterator[list[Row | FailedPair]]:
        """Yield the results of all pairs that wait."""
        for shape in list(self.waiting):
            yield self.batch_size.run(self.explain, self.waiting.pop(shape))


def explain_parts(
    pairs: Iterable[PreparedPair | FailedPair],
    rows_per_part: int,
    batches: Batches,
    report: Callable[[int], object],
) -> Iterator[Part]:
    """Yield parts as they are done.

    Args:
        pairs: prepared, by ascending position.
        rows_per_part: how many consecutive positions make a part.
        batches: explains them.
        report: called with the number of pairs done since the last call.
    """
    for number, of_part in itertools.groupby(pairs, lambda pair: _position(pair) // rows_per_part):
        part = Part(number)
        for prepared in of_part:
            if isinstance(prepared, FailedPair):
                results: list[Row | FailedPair] = [prepared]
            else:
                results = batches.add(prepared)
            part.add(results)
            if results:
                report(len(results))
        for results in batches.flush():
            part.add(results)
            report(len(results))
        part.sort()
        yield part


def _position(pair: PreparedPair | FailedPair) -> int:
    return pair.position if isinstance(pair, FailedPair) else pair.pair.position
