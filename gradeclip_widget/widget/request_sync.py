"""What is asked of a widget, kept consistent whichever trait was set, by a program or by a view."""

from __future__ import annotations

from typing import Any

import traitlets as t

from ..core.evidence import INTEGRATED_GRADIENTS
from ..explain.explanation import Explanation
from .history import History, Step
from .request import FIELDS, Request
from .traits import Traits


class Requesting(Traits):
    """From traits to requests. Everything here runs with ``changed`` held, on the thread that set a trait.

    A request is made where what the traits ask for is not what was asked last. So whoever writes traits to
    say what is shown already sets ``_wanted`` first, and no observer has to be muted.
    """

    def __init__(self, request: Request) -> None:
        self._wanted = request  # asked last
        self._shown = request  # answered last
        self._row, self._text = 0, ""  # active and prompt when they last agreed with prompts
        self._explanations: list[Explanation] = []  # on show; none before the first are
        self._history = History()
        super().__init__()

    def _submit(self, request: Request, step: Step | None = None) -> None:
        """Have a request answered in place of the one under way; ``step`` is where it is gone back to."""
        raise NotImplementedError

    @t.observe("prompt", "prompts", "active")
    def _agree(self, change: Any) -> None:
        """Keep prompt, prompts and active in step, whichever was set, also several at once."""
        if not self._explanations:
            return
        row, prompts = min(self.active, len(self.prompts) - 1), self.prompts
        if (
            self.prompt != self._text and prompts == self._wanted.prompts
        ):  # it was the prompt that was set
            prompts = (*prompts[:row], self.prompt, *prompts[row + 1 :])
        switched = row != self._row
        self._row, self._text = row, prompts[row]
        self.active, self.prompts, self.prompt = row, prompts, prompts[row]
        if self.versus is not None and self.versus >= len(prompts):
            self.versus = None
        if switched and row < len(self._explanations):
            self.selected_words, self.hovered_word = [], None
            self.explanation = self._explanations[row]
        self._ask()

    @t.observe("importance")
    def _integrate(self, change: Any) -> None:
        """Have the measure computed that is not computed unasked."""
        if self.importance == INTEGRATED_GRADIENTS:
            self.integrated_gradients = True

    @t.observe(
        "method",
        "model",
        "resolution",
        "picture",
        "image_layers",
        "text_layers",
        "integrated_gradients",
    )
    def _ask(self, change: Any = None) -> None:
        """Make a request, where the traits ask for something else than before."""
        if not self._explanations:
            return
        if self.model != self._wanted.model and self.resolution == self._wanted.resolution:
            self.resolution = None  # another model's own
        request = Request(*(getattr(self, name) for name in FIELDS))
        if request != self._wanted:
            self._wanted = request
            self._submit(request)

    @t.observe("history_index")
    def _go(self, change: Any) -> None:
        """Go back or forward in the history."""
        if self.history_index != self._history.index:
            step = self._history[self.history_index]
            self._write(step.request, step.active)
            self._submit(step.request, step)

    def _write(self, request: Request, active: int) -> None:
        """Ask in the traits for what is shown already, or is being submitted."""
        self._wanted, self._row, self._text = request, active, request.prompts[active]
        with self.hold_sync(), self.hold_trait_notifications():
            for name in FIELDS:
                setattr(self, name, getattr(request, name))
            self.active, self.prompt = active, request.prompts[active]
