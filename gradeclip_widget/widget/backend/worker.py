"""A thread that runs one job at a time. The latest job wins. The jobs can be anything."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable

Check = Callable[[], None]
Job = Callable[[Check], None]


_working: set[Worker] = set()  # the workers that have a thread


class Superseded(BaseException):
    """A newer job was submitted, or this one was cancelled.

    Not an `Exception`, for the same reason as `asyncio.CancelledError`: libraries that catch every
    `Exception` do not catch this.
    """


class Worker:
    """Runs the latest job submitted, on a thread that exists only while there is work.

    A job is called with a function that raises `Superseded` once the job is not the latest one any more. The
    job calls it between its stages, and again with the lock of ``changed`` held before it writes anything.
    So the result of an older job is never written after a newer job was submitted.

    Args:
        changed: its lock guards the data that jobs and their clients share; notified when a job ends. Workers
            whose clients write to each other share one: with several locks they could block each other.
        idle: seconds that the thread waits for another job before it ends.
    """

    def __init__(self, changed: threading.Condition, idle: float = 5.0) -> None:
        self.changed = changed
        self._idle = idle
        self._latest: object | None = None
        self._waiting: tuple[Job, object] | None = None
        self._thread: threading.Thread | None = None
        self._running = False
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs; also one that was cancelled and has not reached its next check."""
        return self._running or self._waiting is not None

    @property
    def alive(self) -> bool:
        """Whether the worker has a thread."""
        return self._thread is not None

    def submit(self, job: Job) -> None:
        """Run a job in place of the one that waits or runs.

        Raises:
            RuntimeError: the worker was closed.
        """
        with self.changed:
            if self._closed:
                raise RuntimeError("this worker was closed and takes no more jobs")
            self._latest = object()
            self._waiting = (job, self._latest)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gradeclip", daemon=True)
                _working.add(self)
                self._thread.start()
            self.changed.notify_all()

    def cancel(self) -> None:
        """Drop the job that waits; the one that runs ends at its next check."""
        with self.changed:
            self._latest = self._waiting = None
            self.changed.notify_all()

    def close(self, *, join: bool = False) -> None:
        """Cancel, and end the thread; with ``join``, wait until it has ended."""
        with self.changed:
            self._closed = True
            self.cancel()
            thread = self._thread
        if join and thread is not None:
            thread.join()

    def wait(
        self, timeout: float | None = None, until: Callable[[], object] = lambda: False
    ) -> None:
        """Block until nothing waits or runs, or a condition of the shared data is true.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
            RuntimeError: called by a job; it would wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "wait() was called on the worker thread, which would wait for itself"
            )
        with self.changed:
            if not self.changed.wait_for(lambda: not self.busy or until(), timeout):
                raise TimeoutError(f"still at work after {timeout} s")

    def _run(self) -> None:
        while self._next():
            pass

    def _next(self) -> bool:
        """Run the next job. When this returns, the idle thread has no reference to the job any more."""
        with self.changed:
            self.changed.wait_for(lambda: self._closed or self._waiting is not None, self._idle)
            if self._waiting is None:
                self._thread = None
                _working.discard(self)
                self.changed.notify_all()
                return False
            (job, ticket), self._waiting, self._running = self._waiting, None, True

        def check() -> None:
            if ticket is not self._latest:
                raise Superseded

        try:
            job(check)
        except Superseded:
            pass
        except BaseException:  # noqa: BLE001 - an error in a job must not end the thread
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
        finally:
            with self.changed:
                self._running = False
                self.changed.notify_all()
        return True


@atexit.register
def _stop_all() -> None:
    """End all work before the interpreter ends: a thread that is still in torch would abort the process."""
    for worker in list(_working):
        worker.close(join=True)
