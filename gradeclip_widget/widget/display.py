"""What a widget shows: results of its computation, written to its traits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from ..core.errors import describe_error
from ..explain.explanation import Explanation
from ..export.cell_output import fallback, live_class
from .computation import Result
from .history import History, Step
from .questions import QUESTIONS
from .questions.base import Shown
from .request import Request, WidgetState
from .traits import Traits, names_of

if TYPE_CHECKING:
    from .backend.backend import Backend

# For hosts that prefer HTML to the live view: what they show is the output beside it.
NOTHING = "<!-- The live view; beside it is what stands in for it. -->"


class Display:
    """Writes to a widget's traits what was computed; the listener of a `Computation`.

    Attributes:
        state: what the widget was asked and what it shows.
        history: what it showed before.
        backend: what can be asked of it is offered; ``None`` where the widget only shows, or was closed.
    """

    def __init__(self, widget: Traits, backend: Backend | None, request: Request) -> None:
        """Show nothing yet.

        Args:
            widget: whose traits are written.
            backend: of the widget, if it has one.
            request: the first that will be shown.
        """
        self._widget = widget
        self.backend = backend
        self.state = WidgetState(request, request)
        self.history = History()

    def change(self, **values: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **values)

    # Called by a computation

    @contextmanager
    def update(self) -> Iterator[None]:
        """Hold the lock that guards the traits, and send what is changed meanwhile in one message."""
        with self._widget.changed, self._widget.hold_sync():
            yield

    def pending(self) -> dict[str, Any]:
        """Return the questions without an answer: per answer, by its trait's name, the arguments."""
        return {
            name: arguments
            for name, arguments in self.questions().items()
            if arguments is not None and arguments != self.state.answers.get(name)
        }

    def show(self, result: Result) -> None:
        """Show explanations, and clear what belonged to those before."""
        w = self._widget
        before = _texts(w.explanation) if self.state.explanations else []
        moved = result.request.picture != self.state.shown.picture
        row = min(w.active, len(result.explanations) - 1)
        self.change(shown=result.request, explanations=result.explanations)
        with w.hold_sync():
            w.set_trait("_payloads", result.payloads)
            w.explanation = result.explanations[row]
            if before != _texts(w.explanation):
                w.selected_words, w.hovered_word = [], None
            if moved:
                w.region = None
            for name, arguments in self.questions().items():
                if arguments != self.state.answers.get(name):
                    self.clear_answer(name)
            self.history.show(
                result.step or Step(result.request, row, result.explanations[row].score)
            )
            w.history = self.history.entries()
            w.history_index = self.history.index
            if self.backend is not None:
                offers = self.backend.offers(result.request)
                for name, value in offers.items():
                    w.set_trait(name, value)
                if w.vocabulary not in offers["_vocabularies"]:
                    w.vocabulary = ""

    def show_answer(self, name: str, value: Any) -> None:
        """Show the answer to a question, as far as it is known."""
        QUESTIONS[name].show(self._widget, value)

    def keep_answer(self, name: str, arguments: Any) -> None:
        """Take the answer that is shown for all of it, for as long as it has these arguments."""
        self.state = self.state.with_answer(name, arguments)

    def show_progress(self, stage: str, done: int, total: int | None, unit: str) -> None:
        """Show how far the work under way is."""
        self._widget.progress = {"stage": stage, "done": done, "total": total, "unit": unit}

    def fail(self, error: Exception) -> None:
        """Show that the work has ended with an error; what was shown stays."""
        w = self._widget
        if self.backend is not None:  # the weights may be there all the same
            w.set_trait("_models", self.backend.models.entries())
        w.history_index = self.history.index
        w.progress, w.status, w.error = None, "error", describe_error(error)

    def finish(self) -> None:
        """Show that nothing is under way. Where the last request failed, its error stays."""
        w = self._widget
        w.progress = None
        w.history_index = self.history.index
        if self.state.wanted == self.state.shown:
            upload_error = self.state.upload_error
            w.status, w.error = "error" if upload_error else "ready", upload_error
            self.change(upload_error="")
        else:
            w.status = "error"

    # Called by the widget, with `changed` held

    def start(self) -> None:
        """Show that a request is under way."""
        w = self._widget
        w.status, w.error, w.progress = "computing", "", None
        self.change(upload_error="")

    def refuse(self, error: Exception) -> None:
        """Show why something was not even begun; what is under way goes on."""
        sentence = describe_error(error)
        if self._widget.status == "computing":
            self.change(upload_error=sentence)
        self._widget.status, self._widget.error = "error", sentence

    def show_request(self, request: Request, row: int) -> None:
        """Set the traits to a request that is shown already, or is being submitted.

        ``wanted`` is set first, so that the observers of the traits see nothing new and submit nothing.

        Args:
            request: whose values the traits take.
            row: index of the active prompt.
        """
        w, prompt = self._widget, request.prompts[row]
        self.change(wanted=request, row=row, prompt=prompt)
        with w.hold_sync(), w.hold_trait_notifications():
            for name in names_of(request=True):
                setattr(w, name, request[name])
            w.active, w.prompt = row, prompt

    def questions(self) -> dict[str, Any]:
        """Return what `Question.compute` takes, by the answer's trait; ``None`` where nothing is asked."""
        if self.backend is None:
            return dict.fromkeys(QUESTIONS)
        w, request = self._widget, self.state.shown
        caption = request.prompts[min(w.active, len(request.prompts) - 1)]
        shown = Shown(request, caption, w.region, tuple(w.compare), w.overview)
        return {
            name: question.arguments(getattr(w, question.asks), shown, self.backend)
            for name, question in QUESTIONS.items()
        }

    def page_state(self) -> dict[str, Any]:
        """Return what a saved page shows at first, as values of the traits."""
        return {name: getattr(self._widget, name) for name in names_of(sync=True, page=True)}

    def stand_in(self) -> str:
        """Return HTML for where the live view is not shown; in a notebook's cell, put that beside the view.

        A notebook shows one form of an output, and decides for the live view before it knows whether there is
        a kernel, or the view's script. What is to remain without them has to be an output of its own.
        """
        w = self._widget
        words = w.selected_words or None
        text, description = fallback(self.state.explanations, w.active, words, w.model_id)
        if not in_cell():
            return text
        w.add_class(live_class(w.model_id))
        output = {"text/html": text, "text/plain": description}
        display(output, raw=True)  # type: ignore[no-untyped-call] # IPython's own
        return NOTHING

    def clear_answer(self, name: str) -> None:
        """Show no answer to a question."""
        self.state = self.state.with_answer(name, None)
        QUESTIONS[name].clear(self._widget)


def _texts(explanation: Explanation) -> list[str]:
    return [word.text for word in explanation.words]


def in_cell() -> bool:
    """Return whether this runs in the kernel of a notebook, whose outputs are kept."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return zmqshell is not None and isinstance(get_ipython(), zmqshell.ZMQInteractiveShell)
