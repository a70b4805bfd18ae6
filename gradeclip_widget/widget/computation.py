"""The work of a widget on a worker thread: explanations, then answers to questions about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..core.progress import Progress
from .backend.worker import Check, Worker
from .session import Job, Pending, Session, Values, payloads_of

if TYPE_CHECKING:
    from .backend.backend import Backend
    from .request import Request

_PROGRESS_EVERY, _PROGRESS_PATIENCE = 0.1, 0.5  # seconds


class Computation:
    """Does the jobs of a session on a worker thread. The latest job wins.

    The lock of the worker guards the session. A result is passed to the session with the lock held, after a
    check that the job is still the latest one.

    Args:
        backend: computes explanations.
        worker: runs one job at a time.
        session: takes the results.
        write: writes trait values that the session returns.
        explained: called after explanations have been written, without the lock.
    """

    def __init__(
        self,
        backend: Backend,
        worker: Worker,
        session: Session,
        write: Callable[[Values], None],
        explained: Callable[[], None],
    ) -> None:
        self.backend = backend
        self._worker = worker
        self._session = session
        self._write = write
        self._explained = explained

    def begin(self, job: Job) -> None:
        """Do a job in place of the one that waits or runs."""
        if job is Job.EXPLAIN:
            self._worker.submit(partial(self._explain, self._session.request))
        elif job is Job.ANSWER:
            self._worker.submit(self._answer)
        else:
            self._worker.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Block until no job waits or runs.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        self._worker.wait(timeout)

    def wait_for_first(self, timeout: float | None = None) -> None:
        """Block until there are explanations, or an error in their place.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        session = self._session
        self._worker.wait(timeout, lambda: session.explanations or session.failure)

    def close(self) -> None:
        """Drop the job that waits or runs, and take no more."""
        self._worker.close()

    def _explain(self, request: Request, check: Check) -> None:
        """Explain the latest request, then answer questions."""
        try:
            explanations = self.backend.explain(request, self._reporter(check))
            payloads = payloads_of(explanations)
        except Exception as error:  # noqa: BLE001 - every error is shown to the reader
            self._fail(error, check)
            return
        with self._worker.changed:
            check()
            values, pending = self._session.explained(explanations, payloads)
            self._write(values)
            self._worker.changed.notify_all()
        self._explained()
        self._answer_from(pending, check)

    def _answer(self, check: Check) -> None:
        self._answer_from(self._next_question(check), check)

    def _answer_from(self, pending: Pending | None, check: Check) -> None:
        """Answer a question, and then those that the session returns, one after the other."""
        while pending is not None:
            question, arguments = pending
            # A quiet question shows no progress, but its work ends too when a newer job begins.
            report = (lambda *_: check()) if question.quiet else self._reporter(check)
            try:
                for value in question.answers(self.backend, *arguments, progress=report):
                    with self._worker.changed:
                        check()
                        self._write(self._session.answered(value))
            except Exception as error:  # noqa: BLE001 - as above
                if not question.quiet:
                    self._fail(error, check)
                    return
            pending = self._next_question(check)

    def _next_question(self, check: Check) -> Pending | None:
        with self._worker.changed:
            check()
            values, pending = self._session.next_question()
            self._write(values)
        return pending

    def _fail(self, error: Exception, check: Check) -> None:
        with self._worker.changed:
            check()
            self._write(self._session.failed(error))

    def _reporter(self, check: Check) -> Progress:
        """Return a callback that shows progress a few times a second, and ends work that is out of date."""
        stage_before, time_before = "", 0.0

        def report(stage: str, done: int, total: int | None) -> None:
            nonlocal stage_before, time_before
            check()
            now = time.monotonic()
            if stage == stage_before and now <= time_before + _PROGRESS_EVERY:
                return
            # Not for long: a thread that has the lock may be waiting for the model that reports here.
            if self._worker.changed.acquire(timeout=_PROGRESS_PATIENCE):
                try:
                    check()
                    self._write(self._session.progressed(stage, done, total))
                finally:
                    self._worker.changed.release()
                stage_before, time_before = stage, now

        return report
