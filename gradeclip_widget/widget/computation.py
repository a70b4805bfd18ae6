"""What a widget answers: explanations, and what is asked beside them, by a worker of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets as t

from ..core.progress import Progress
from ..explain.explanation import Explanation
from ..export.payload import to_payload
from .history import Step
from .request import Request
from .request_sync import Requesting
from .worker import Check, Worker

if TYPE_CHECKING:
    from .backend import Session

NO_MODEL = (
    "This widget shows a saved explanation and has no model: "
    "explore(...) makes one that explains anew."
)
_PROGRESS_EVERY, _PROGRESS_PATIENCE = 0.1, 0.5  # seconds
_IN_BYTES = "loading weights"  # the one stage whose progress is


@dataclass(frozen=True)
class _Beside:
    """Something asked beside the explanation.

    Attributes:
        asked: the trait that asks for it. ``off``: its value where it does not.
        nothing: the answer where nothing is asked.
    """

    asked: str
    off: Any
    nothing: Any


_BESIDE = {  # by the trait that holds the answer
    "seen": _Beside("vocabulary", "", []),
    "erased": _Beside("erase", "", None),
    "_depth": _Beside("depth", False, None),
}


class Answering(Requesting):
    """From requests to what is shown. Without a session all stays as it is."""

    _session: Session | None
    _worker: Worker

    def __init__(self, request: Request) -> None:
        self._answered: dict[str, Any] = {}  # per answer on show, the question
        self._refused = ""  # why, where something was refused while other work was under way
        super().__init__(request)

    # On the thread that asks, with `changed` held

    def _submit(self, request: Request, step: Step | None = None) -> None:
        with self.hold_sync():
            if self._session is None:
                self.status, self.error = "error", NO_MODEL
            else:
                self.status, self.error, self.progress = "computing", "", None
                self._refused = ""
                self._worker.submit(partial(self._explain, self._session, request, step))

    @t.observe("region", "vocabulary", "erase", "depth", "active")
    def _look(self, change: Any) -> None:
        """Clear what is not asked any more, and have the rest answered: now, or after the explanation."""
        if self._session is None or not self._explanations:
            return
        for answer, question in self._questions().items():
            if question is None:
                self._forget(answer)
        explaining = self.status == "computing" and self._wanted != self._shown
        if self._unanswered() and not explaining:
            self.status = "computing"
            self._worker.submit(partial(self._look_closer, self._session))

    def _drop(self) -> None:
        """Ask for what is shown, and for nothing more."""
        self._worker.cancel()
        with self.hold_sync():
            self._write(self._shown, min(self.active, len(self._explanations) - 1))
            for answer in self._unanswered():
                setattr(self, _BESIDE[answer].asked, _BESIDE[answer].off)
            self._rest()

    # On the worker's thread

    def _explain(self, session: Session, request: Request, step: Step | None, check: Check) -> None:
        """Explain, show it, and answer what is asked beside it; or say why not."""
        try:
            explanations = session.explain(request, self._reporter(check))
            payloads = payloads_of(explanations)
        except Exception as error:  # noqa: BLE001 - whatever it was, the reader must see it
            self._fail(session, error, check)
            return
        with self.changed, self.hold_sync():
            check()
            self._put(explanations, payloads, request, step)
            if not self._unanswered():
                self._rest()
                return
        self._look_closer(session, check)

    def _look_closer(self, session: Session, check: Check) -> None:
        """Answer what is asked beside the explanation, one after the other, until nothing is left."""
        report = self._reporter(check)
        answers: dict[str, Callable[..., Any]] = {
            "seen": session.seen,
            "erased": session.erased,
            "_depth": session.depth,
        }
        while True:
            with self.changed, self.hold_sync():
                check()
                waiting = self._unanswered()
                if not waiting:
                    self._rest()
                    return
            answer, question = next(iter(waiting.items()))
            try:
                value = answers[answer](*question, report)
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(session, error, check)
                return
            with self.changed:
                check()
                self._answered[answer] = question
                setattr(self, answer, value)

    def _reporter(self, check: Check) -> Progress:
        """Progress to the trait, a few times a second; and the place where superseded work ends."""
        last = ("", 0.0)

        def report(stage: str, done: int, total: int | None) -> None:
            nonlocal last
            check()
            now = time.monotonic()
            due = stage != last[0] or now > last[1] + _PROGRESS_EVERY
            # Not waited for long: whoever holds the lock may be waiting for the model that is reporting.
            if due and self.changed.acquire(timeout=_PROGRESS_PATIENCE):
                try:
                    check()
                    unit = "bytes" if stage == _IN_BYTES else "steps"
                    self.progress = {"stage": stage, "done": done, "total": total, "unit": unit}
                finally:
                    self.changed.release()
                last = (stage, now)

        return report

    # On either thread, with `changed` held

    def _questions(self) -> dict[str, Any]:
        """Per answer what is asked for it, as a session takes it; ``None`` where nothing is."""
        shown, region = self._shown, self.region
        caption = shown.prompts[min(self.active, len(shown.prompts) - 1)]
        seen, erased = region and self.vocabulary, region and self.erase
        depth = self.depth and self._session is not None and self._session.has_blocks(shown.method)
        return {
            "seen": (shown.of_picture, self.vocabulary, region) if seen else None,
            "erased": (shown, self.erase, region) if erased else None,
            "_depth": (shown.of_picture, caption) if depth else None,
        }

    def _unanswered(self) -> dict[str, Any]:
        """The questions that wait for an answer."""
        return {
            answer: question
            for answer, question in self._questions().items()
            if question is not None and question != self._answered.get(answer)
        }

    def _forget(self, answer: str) -> None:
        self._answered.pop(answer, None)
        setattr(self, answer, _BESIDE[answer].nothing)

    def _put(
        self,
        explanations: list[Explanation],
        payloads: list[dict[str, Any]],
        request: Request,
        step: Step | None = None,
    ) -> None:
        """Show explanations; what belongs to what is gone is cleared."""
        before = _texts(self.explanation) if self._explanations else []
        moved = request.picture != self._shown.picture
        row = min(self.active, len(explanations) - 1)
        self._explanations, self._shown = explanations, request
        with self.hold_sync():
            self._payloads = payloads
            self.explanation = explanations[row]
            if before != _texts(self.explanation):
                self.selected_words, self.hovered_word = [], None
            if moved:
                self.region = None
            for answer, question in self._questions().items():
                if question != self._answered.get(answer):
                    self._forget(answer)
            self._history.show(step or Step(request, row, explanations[row].score))
            self.history = self._history.entries()
            self.history_index = self._history.index
            if self._session is not None:
                self._offer(self._session, request)

    def _offer(self, session: Session, request: Request) -> None:
        """What may be asked next of the model and picture on show."""
        self._methods = session.methods(request.model)
        self._models = session.models.entries()
        self._resolutions = session.resolutions(request)
        self._pictures = session.album.entries()
        self._vocabularies = session.vocabulary_names(request.model)
        if self.vocabulary not in self._vocabularies:
            self.vocabulary = ""
        self._code = session.code(request)

    def _rest(self) -> None:
        """Nothing is under way. What could not be explained, and is asked for still, stays said."""
        self.progress = None
        self.history_index = self._history.index
        if self._wanted == self._shown:
            self.status, self.error = "error" if self._refused else "ready", self._refused
            self._refused = ""
        else:
            self.status = "error"

    def _refuse(self, error: Exception) -> None:
        """Say why something is not even begun; what is under way goes on."""
        if self.status == "computing":
            self._refused = sentence(error)
        self.status, self.error = "error", sentence(error)

    def _fail(self, session: Session, error: Exception, check: Check) -> None:
        with self.changed, self.hold_sync():
            check()
            self._models = session.models.entries()  # the weights may be there all the same
            self.history_index = self._history.index
            self.progress, self.status, self.error = None, "error", sentence(error)


def payloads_of(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    """What a view gets of explanations."""
    return [dict(to_payload(e)) for e in explanations]


def sentence(error: Exception) -> str:
    """An error as the reader is told it."""
    text = str(error).strip() or type(error).__name__
    return (
        text
        if isinstance(error, ValueError | TypeError | OSError)
        else f"{type(error).__name__}: {text}"
    )


def _texts(explanation: Explanation) -> list[str]:
    return [word.text for word in explanation.words]
