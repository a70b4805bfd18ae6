"""From requests to results, on a worker thread. Knows no traits: a listener is told what came out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..core.progress import Progress
from ..explain.explanation import Explanation
from ..export.payload import to_payload
from .backend.worker import Check, Worker
from .history import Step
from .questions import QUESTIONS
from .request import Request

if TYPE_CHECKING:
    from .backend.backend import Backend

_PROGRESS_EVERY, _PROGRESS_PATIENCE = 0.1, 0.5  # seconds
_IN_BYTES = "loading weights"  # the one stage whose progress is


@dataclass(frozen=True, eq=False)
class Result:
    """Explanations of a request.

    Attributes:
        request: what was asked.
        explanations: one per prompt.
        payloads: the same as the browser gets them.
        step: the step of the history that was gone back to, if any.
    """

    request: Request
    explanations: tuple[Explanation, ...]
    payloads: list[dict[str, Any]]
    step: Step | None = None

    @classmethod
    def of(
        cls, request: Request, explanations: Sequence[Explanation], step: Step | None = None
    ) -> Result:
        """Pack explanations for the browser, which takes a while."""
        payloads = [dict(to_payload(e)) for e in explanations]
        return cls(request, tuple(explanations), payloads, step)


class Listener(Protocol):
    """Whoever shows what is computed. All but `update` is called within `update`."""

    def update(self) -> AbstractContextManager[None]:
        """Hold the lock that guards the state; what is changed meanwhile is shown together."""

    def pending(self) -> Mapping[str, Any]:
        """Return the questions without an answer: per answer, by name, the arguments."""

    def show(self, result: Result) -> None:
        """Show explanations."""

    def show_answer(self, name: str, value: Any) -> None:
        """Show the answer to a question, as far as it is known."""

    def keep_answer(self, name: str, arguments: Any) -> None:
        """Take the answer that is shown for all of it."""

    def show_progress(self, stage: str, done: int, total: int | None, unit: str) -> None:
        """Show how far the work is."""

    def fail(self, error: Exception) -> None:
        """Show that the work has ended with an error."""

    def finish(self) -> None:
        """Show that nothing is under way."""


class Computation:
    """Computes what a widget asks for: explanations first, then what is asked about them. The latest wins.

    Args:
        backend: computes explanations.
        worker: runs one job at a time.
        listener: is told the results, on the worker's thread.
    """

    def __init__(self, backend: Backend, worker: Worker, listener: Listener) -> None:
        self.backend = backend
        self._worker = worker
        self._listener = listener
        self._current: tuple[str, Any] | None = None  # what is being answered, with its arguments

    @property
    def answering(self) -> bool:
        """Whether a question is being answered."""
        return self._current is not None

    def submit(self, request: Request, step: Step | None = None) -> None:
        """Explain in place of what is under way, then answer what is pending.

        Args:
            request: what to explain.
            step: the step of the history that is gone back to, if any.
        """
        self._current = None
        self._worker.submit(partial(self._explain, request, step))

    def answer(self) -> None:
        """Answer what is pending, in place of what is under way, unless that may go on."""
        if not self._goes_on():
            self._current = None
            self._worker.submit(self._answer)

    def _goes_on(self) -> bool:
        """Whether what is being answered is asked still, and nothing that takes less time waits for it."""
        if self._current is None:
            return False
        (name, arguments), pending = self._current, self._listener.pending()
        overtaken = any(_rank(other) < _rank(name) for other in pending)
        return pending.get(name) == arguments and not overtaken

    def cancel(self) -> None:
        """Drop what is under way."""
        self._current = None
        self._worker.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Block until nothing is under way.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        self._worker.wait(timeout)

    def close(self) -> None:
        """Drop what is under way, and take no more."""
        self._worker.close()

    def _explain(self, request: Request, step: Step | None, check: Check) -> None:
        try:
            explanations = self.backend.explain(request, self._reporter(check))
            result = Result.of(request, explanations, step)
        except Exception as error:  # noqa: BLE001 - whatever it was, the reader must see it
            self._fail(error, check)
            return
        with self._listener.update():
            check()
            self._listener.show(result)
            if not self._listener.pending():
                self._listener.finish()
                return
        self._answer(check)

    def _answer(self, check: Check) -> None:
        """Answer one question after the other, until none is pending."""
        while True:
            with self._listener.update():
                check()
                pending = self._listener.pending()
                if not pending:
                    self._listener.finish()
                    return
                name = min(pending, key=_rank)
                arguments = pending[name]
                self._current = name, arguments
                quiet = QUESTIONS[name].quiet
                if quiet:
                    self._listener.finish()
            # What is quiet shows no progress, but ends all the same where it is superseded.
            report = (lambda *_: check()) if quiet else self._reporter(check)
            answers = QUESTIONS[name].answers(self.backend, *arguments, progress=report)
            try:
                for value in answers:
                    with self._listener.update():
                        check()
                        self._listener.show_answer(name, value)
            except Exception as error:  # noqa: BLE001 - as above
                if not quiet:
                    self._fail(error, check)
                    return
            with self._listener.update():
                check()
                self._current = None
                self._listener.keep_answer(name, arguments)

    def _fail(self, error: Exception, check: Check) -> None:
        with self._listener.update():
            check()
            self._current = None
            self._listener.fail(error)

    def _reporter(self, check: Check) -> Progress:
        """Return a callback that shows progress a few times a second, and that ends superseded work."""
        last = ("", 0.0)

        def report(stage: str, done: int, total: int | None) -> None:
            nonlocal last
            check()
            now = time.monotonic()
            due = stage != last[0] or now > last[1] + _PROGRESS_EVERY
            # Not waited for long: whoever holds the lock may be waiting for the model that is reporting.
            if due and self._worker.changed.acquire(timeout=_PROGRESS_PATIENCE):
                try:
                    check()
                    unit = "bytes" if stage.endswith(_IN_BYTES) else "steps"
                    self._listener.show_progress(stage, done, total, unit)
                finally:
                    self._worker.changed.release()
                last = (stage, now)

        return report


def _rank(name: str) -> tuple[bool, bool]:
    """Return what questions are ordered by: the quiet ones last, before them those that take long."""
    return QUESTIONS[name].quiet, QUESTIONS[name].streams
