"""The state of a widget, and what follows from a change of it. Plain Python: no widget, no thread.

A `Session` takes what has changed, and returns the trait values that follow:

- `Session.change`: a program or a reader has set traits. What has to be computed is returned too.
- `Session.explained`, `answered`, `failed`, `progressed`: the worker has computed something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..core.errors import describe_error
from ..core.evidence import INTEGRATED_GRADIENTS
from ..export.payload import to_payload
from .questions import QUESTIONS, Context, Question
from .request import Request

if TYPE_CHECKING:
    from ..explain.explanation import Explanation
    from .backend.backend import Backend

HISTORY_LIMIT = 100  # steps
NO_MODEL = (
    "This widget shows a saved explanation and has no model to compute another one; "
    "explore(...) makes a widget with a model."
)
STOPPED = "Stopped before anything was explained."
_BYTE_STAGE = "loading weights"  # the only stage that counts bytes; the others count steps

Values = dict[str, Any]  # by the names of traits
Arguments = tuple[Any, ...]
Pending = tuple[Question, Arguments]


class Job(Enum):
    """What the worker has to do, in place of what it is doing."""

    EXPLAIN = "explain the request"
    ANSWER = "answer the questions"
    STOP = "nothing"


@dataclass(frozen=True)
class Effects:
    """What follows from a change.

    Attributes:
        values: the values that traits get.
        job: for the worker; ``None`` if it goes on with what it is doing.
    """

    values: Values
    job: Job | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """A step of the history: a request, the index of the active prompt, and that prompt's score."""

    request: Request
    active: int
    score: float

    def entry(self) -> Values:
        """Return the step for the front end, as ``HistoryEntry`` in ``js/src/state/entries.ts``."""
        return {
            "prompts": list(self.request.prompts),
            "active": self.active,
            "score": self.score,
            "model": self.request.model,
            "method": self.request.method,
        }


def payloads_of(explanations: Sequence[Explanation]) -> list[Values]:
    """Return explanations as the browser gets them. Encoding them takes a while."""
    return [dict(to_payload(e)) for e in explanations]


class Session:
    """The state of a widget.

    Its callers hold a lock, so that one change is made at a time.

    Attributes:
        request: the latest request, which the traits describe.
        step: the step of the history that the latest request goes back or forward to, if any.
        explaining: whether the latest request is being explained.
        shown_request: the request whose explanations are shown.
        explanations: the explanations shown, one per prompt of ``shown_request``.
        answers: the answers shown: by the answer's trait, the arguments that it was computed with, or
            ``None`` while it is incomplete.
        question: the question that is being answered, by its answer's trait, and its arguments.
        history: the last `HISTORY_LIMIT` steps.
        history_index: the step shown; -1 before the first one.
        values: the values of the traits, which the session has read or set.
        backend: computes explanations and answers; ``None`` if the widget has no model or was closed.
        writing: whether the widget is writing values that the session returned.
        failure: why the first request has no explanations, or was not shown as requested; ``None`` if it was.
    """

    def __init__(
        self, request: Request, backend: Backend | None, values: Mapping[str, Any]
    ) -> None:
        """Begin with nothing shown.

        Args:
            request: the first request.
            backend: of the widget, if it has one.
            values: first values of the traits.
        """
        self.request = self.shown_request = request
        self.step: Step | None = None
        self.explaining = False
        self.explanations: tuple[Explanation, ...] = ()
        self.answers: dict[str, Arguments | None] = {}
        self.question: tuple[str, Arguments] | None = None
        self.history: list[Step] = []
        self.history_index = -1
        self.values = dict(values)
        self.backend = backend
        self.writing = False
        self.failure: Exception | None = None
        self._rejection = ""  # of a message that was rejected while the worker was busy
        self._changes: Values = {}  # values set since the last `_take_changes`

    # Changes by a program or a reader

    def start(self, explanations: Sequence[Explanation]) -> Effects:
        """Show the explanations of the first request, one per prompt."""
        self._set(live=self.backend is not None)
        self._set_request(self.request, 0)
        self._show(explanations, payloads_of(explanations))
        return Effects(self._take_changes())

    def begin(self) -> Effects:
        """Have the first request explained, and show its picture and prompts until then."""
        self._set(live=True)
        self._set_request(self.request, 0)
        job = self._submit()
        return Effects(self._take_changes(), job)

    def retry(self) -> Effects:
        """Have the latest request explained again, after an error."""
        job = None if self.explaining else self._submit()
        return Effects(self._take_changes(), job)

    def change(self, values: Mapping[str, Any]) -> Effects:
        """Take the values of traits after a program or a reader has set some of them.

        Args:
            values: by name. Those that are as before have no effect.
        """
        changed = {name: value for name, value in values.items() if value != self.values[name]}
        if not changed:
            return Effects({})
        self.values.update(changed)
        if "region" in changed and "erase" not in changed and self.values["erase"]:
            self._set(erase="")  # an erasure belongs to the region that was erased
        explanation, index = changed.get("explanation"), changed.get("history_index")
        if explanation is not None and not any(explanation is e for e in self.explanations):
            self._replace_explanation(explanation)
            return Effects(self._take_changes(), Job.STOP)
        if index is not None and index != self.history_index and self.history:
            job = self._go_to_step(index)
        else:
            job = self._update_request(changed)
        effects = self.ask()
        return Effects(effects.values, job or effects.job)

    def ask(self) -> Effects:
        """Clear the answers to questions that are no longer asked, and have missing answers computed.

        While a request is being explained, that is left for when its explanations are shown.
        """
        if not self.explanations or (self.explaining and not self.answers):
            return Effects(self._take_changes())
        questions = self._questions()
        self._clear([name for name in self.answers if name not in questions])
        missing = self._missing(questions)
        job = None
        if not self.explaining and (missing or self.question):
            if not all(QUESTIONS[name].quiet for name in missing):
                self._set(status="computing")
            if not self._may_go_on(missing):
                self.question, job = None, Job.ANSWER
        return Effects(self._take_changes(), job)

    def cancel(self) -> Effects:
        """Stop the work. Return to what is shown, without the questions that have no answer."""
        self.explaining, self.question = False, None
        if not self.explanations:
            return Effects(self.failed(RuntimeError(STOPPED)), Job.STOP)
        self._set_request(
            self.shown_request, min(self.values["active"], len(self.explanations) - 1)
        )
        for name in self._missing(self._questions()):
            question = QUESTIONS[name]
            self._set(**{question.asks: question.after_cancel(self.values)})
        questions = self._questions()
        self._clear([name for name in self.answers if name not in questions])
        self._finish()
        return Effects(self._take_changes(), Job.STOP)

    def reject(self, error: Exception) -> Values:
        """Show the error of an upload, or of another message of a view; the worker goes on."""
        message = describe_error(error)
        if self.values["status"] == "computing":
            self._rejection = message
        self._set(status="error", error=message)
        return self._take_changes()

    # What the worker has computed

    def explained(
        self, explanations: Sequence[Explanation], payloads: list[Values]
    ) -> tuple[Values, Pending | None]:
        """Show the explanations of the latest request; return the next question too, as `next_question` does.

        Args:
            explanations: one per prompt.
            payloads: the explanations as the browser gets them.
        """
        self.explaining = False
        self._show(explanations, payloads, self.step)
        return self.next_question()

    def next_question(self) -> tuple[Values, Pending | None]:
        """Return the next question to answer, and its arguments; ``None`` if all are answered.

        If a question was being answered, its answer is now complete.
        """
        finished = False
        if self.question is not None:
            name, arguments = self.question
            self.answers[name] = arguments
            finished = QUESTIONS[name].quiet  # shown when the quiet question was begun
        missing = self._missing(self._questions())
        name = min(missing, key=_rank, default="")
        self.question = (name, missing[name]) if name else None
        if not finished and (not name or QUESTIONS[name].quiet):
            self._finish()
        pending = (QUESTIONS[name], missing[name]) if name else None
        return self._take_changes(), pending

    def answered(self, value: Any) -> Values:
        """Show an answer to ``question``, which may be incomplete."""
        assert self.question is not None, "no question is being answered"
        name, _ = self.question
        self.answers[name] = None
        self._set(**QUESTIONS[name].values(value))
        return self._take_changes()

    def failed(self, error: Exception) -> Values:
        """Show that the work has ended with an error; the explanations shown stay."""
        self.explaining, self.question = False, None
        if not self.explanations:
            self.failure = error
        if self.backend is not None:  # the weights may have been loaded before the error
            self._set(_models=self.backend.models.entries())
        self._set(
            history_index=self.history_index,
            progress=None,
            status="error",
            error=describe_error(error),
        )
        return self._take_changes()

    def progressed(self, stage: str, done: int, total: int | None) -> Values:
        """Show how far the work is."""
        unit = "bytes" if stage.endswith(_BYTE_STAGE) else "steps"
        self._set(progress={"stage": stage, "done": done, "total": total, "unit": unit})
        return self._take_changes()

    # Requests

    def _update_request(self, changed: Values) -> Job | None:
        """Make a request of the traits, and submit it if it differs from the latest one."""
        if changed.keys() & {"prompt", "prompts", "active"}:
            self._align_prompts(changed)
        if "model" in changed and "resolution" not in changed:
            self._set(resolution=None)  # another model begins with its default resolution
        if self.backend is not None and changed.get("importance") == INTEGRATED_GRADIENTS:
            self._set(integrated_gradients=True)
        request = self.request.with_values(self.values)
        if request == self.request:
            return None
        self.request = request
        return self._submit()

    def _align_prompts(self, changed: Values) -> None:
        """Make ``prompt``, ``prompts`` and ``active`` agree, whichever of them were set."""
        prompts = self.values["prompts"]
        row = min(self.values["active"], len(prompts) - 1)
        if "prompt" in changed and "prompts" not in changed:
            prompts = (*prompts[:row], changed["prompt"], *prompts[row + 1 :])
        self._set_prompts(prompts, row)

    def _set_prompts(self, prompts: tuple[str, ...], row: int) -> None:
        self._set(active=row, prompts=prompts, prompt=prompts[row])
        versus = self.values["versus"]
        if versus is not None and versus >= len(prompts):
            self._set(versus=None)
        if row < len(self.explanations):
            explanation = self.explanations[row]
            if explanation is not self.values["explanation"]:
                self._set(selected_words=[], hovered_word=None, explanation=explanation)

    def _set_request(self, request: Request, row: int) -> None:
        """Make a request the latest one, and set the traits that describe it."""
        self.request = request
        self._set(**request.values(self.values))
        self._set_prompts(request.prompts, row)

    def _submit(self, step: Step | None = None) -> Job | None:
        if self.backend is None:
            self._set(status="error", error=NO_MODEL)
            return None
        self.step, self.explaining, self.question, self._rejection = step, True, None, ""
        self.failure = None
        self._set(status="computing", error="", progress=None)
        if not self.explanations:
            self._set(
                _preview=self.backend.preview(self.request),
                _models=self.backend.models.entries(),
                _code=self.backend.code(self.request),
            )
        return Job.EXPLAIN

    def _go_to_step(self, index: int) -> Job | None:
        step = self.history[index]
        self._set_request(step.request, step.active)
        return self._submit(step)

    def _replace_explanation(self, explanation: Explanation) -> None:
        """Show an explanation that a program has set."""
        self.explaining, self.question = False, None
        request = replace(self.shown_request, prompts=(explanation.caption,))
        self._set_request(request, 0)
        self._show([explanation], payloads_of([explanation]))
        self._finish()

    # Explanations

    def _show(
        self, explanations: Sequence[Explanation], payloads: list[Values], step: Step | None = None
    ) -> None:
        """Show the explanations of the latest request, and clear what belonged to those before."""
        request, row = self.request, min(self.values["active"], len(explanations) - 1)
        explanation, before = explanations[row], self.values["explanation"]
        if before is None or _texts(before) != _texts(explanation):
            self._set(selected_words=[], hovered_word=None)
        if request.picture != self.shown_request.picture:
            self._set(region=None, erase="")
        self.shown_request, self.explanations = request, tuple(explanations)
        self._set(_payloads=payloads, explanation=explanation)
        if preview := self.values.get("_preview"):
            # Not None: nbclient stores the last bytes of each path, and a view could not place them.
            self._set(_preview=preview | {"image": b""})
        if self.answers:
            questions = self._questions()
            self._clear([n for n, args in self.answers.items() if args != questions.get(n, ())])
        self._add_step(step or Step(request, row, explanation.score))
        if self.backend is not None:
            self._set(**self.backend.offers(request))
            if self.values["vocabulary"] not in self.values["_vocabularies"]:
                self._set(vocabulary="")

    def _add_step(self, step: Step) -> None:
        """Go to a step of the history, or add one after the step shown, in place of those after it.

        A step whose request is shown already is not added.
        """
        if step in self.history:
            self.history_index = self.history.index(step)
        elif self.history_index < 0 or self.history[self.history_index].request != step.request:
            self.history[self.history_index + 1 :] = [step]
            del self.history[:-HISTORY_LIMIT]
            self.history_index = len(self.history) - 1
        entries = [step.entry() for step in self.history]
        self._set(history=entries, history_index=self.history_index)

    def _finish(self) -> None:
        """Show that the work is done. If the latest request has failed, its error stays."""
        self._set(progress=None, history_index=self.history_index)
        if self.request == self.shown_request:
            self._set(status="error" if self._rejection else "ready", error=self._rejection)
            self._rejection = ""
        else:
            self._set(status="error")

    # Questions

    def _questions(self) -> dict[str, Arguments]:
        """Return the arguments of the questions that are asked, by the answer's trait."""
        if self.backend is None:
            return {}
        request, values = self.shown_request, self.values
        caption = request.prompts[min(values["active"], len(request.prompts) - 1)]
        context = Context(
            request, caption, values["region"], tuple(values["compare"]), values["overview"]
        )
        questions = {}
        for name, question in QUESTIONS.items():
            value = values[question.asks]
            arguments = question.arguments(value, context, self.backend) if value else None
            if arguments is not None:
                questions[name] = arguments
        return questions

    def _missing(self, questions: dict[str, Arguments]) -> dict[str, Arguments]:
        """Return those of some questions that have no complete answer."""
        return {
            n: arguments for n, arguments in questions.items() if arguments != self.answers.get(n)
        }

    def _may_go_on(self, missing: dict[str, Arguments]) -> bool:
        """Return whether the question being answered is still asked and no quicker one waits."""
        if self.question is None:
            return False
        name, arguments = self.question
        overtaken = any(_rank(other) < _rank(name) for other in missing)
        return missing.get(name) == arguments and not overtaken

    def _clear(self, names: Sequence[str]) -> None:
        """Show no answer to some questions."""
        for name in names:
            del self.answers[name]
            self._set(**QUESTIONS[name].no_answer())

    # Values

    def _set(self, **values: Any) -> None:
        self.values.update(values)
        self._changes.update(values)

    def _take_changes(self) -> Values:
        changes, self._changes = self._changes, {}
        return changes


def _rank(name: str) -> tuple[bool, bool]:
    """Return what questions are sorted by: quiet ones come last, and before them those that take long."""
    return QUESTIONS[name].quiet, QUESTIONS[name].streams


def _texts(explanation: Explanation) -> list[str]:
    return [word.text for word in explanation.words]
