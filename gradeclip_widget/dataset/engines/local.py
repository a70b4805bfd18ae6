"""Run on this machine: processes read pairs, the model explains batches, a thread writes parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ..batch_size import BatchSize
from ..explain_batch import BatchExplainer
from ..pairs import FailedPair, Pair, PairSource
from ..prepare import Preparation
from ..runs.folder import RunFolder
from .parts import Batches, explain_parts
from .reading import read


def run_local(
    source: PairSource,
    folder: RunFolder,
    explain: BatchExplainer,
    prepare: Preparation,
    batch_size: BatchSize,
    workers: int,
    report: Callable[[int], None],
) -> None:
    """Explain the pairs of a source that are still to do, and write them.

    Args:
        source: the pairs.
        folder: where the parts go.
        explain: the model.
        prepare: reads a pair.
        batch_size: how many pairs at once.
        workers: processes that read pairs ahead.
        report: called with the number of pairs done since the last call.

    Raises:
        OSError: a part cannot be written; those before it stay whole.
        MemoryError: a single pair does not fit into memory.
    """
    pairs = read(_pending_pairs(source, folder), prepare, workers)
    batches = Batches(explain, batch_size)
    parts = explain_parts(pairs, folder.rows_per_part, batches, report)
    written: Future[None] | None = None
    with ThreadPoolExecutor(1, "gradeclip-write") as writer:
        for part in parts:
            if written is not None:
                written.result()  # its error, if it could not be written
            written = writer.submit(folder.write_part, part.number, part.rows, part.failed)
        if written is not None:
            written.result()


def _pending_pairs(source: PairSource, folder: RunFolder) -> Iterator[Pair | FailedPair]:
    for start, stop in folder.pending(source.count()):
        yield from source.pairs(start, stop)
