"""Compute a run on this machine: a thread writes each part while the next one is explained."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from ..job import Job
from .parts import explain_parts


def run_local(job: Job) -> None:
    """Explain the pending pairs of a job and write them.

    Raises:
        OSError: a part cannot be written; earlier parts are not changed.
        RuntimeError: the model fails on every pair from here on; the finished ones are kept.
    """
    written: Future[None] | None = None
    with (
        ThreadPoolExecutor(1, "gradeclip-write") as writer,
        closing(explain_parts(job, job.pending())) as parts,
    ):
        for part in parts:
            before = written
            written = writer.submit(job.folder.write_part, part.number, part.rows, part.failed)
            if before is not None:
                before.result()  # raises the error of that write
        if written is not None:
            written.result()
