"""The live widget: what a program and a reader do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t

from ..core.evidence import INTEGRATED_GRADIENTS
from ..explain.explanation import Explanation
from ..export.html import STATIC, page
from .backend.worker import Worker
from .computation import Computation, Result
from .display import Display
from .history import Step
from .options import check_options, describe_traits
from .questions import QUESTIONS
from .request import Request, resolve_prompts, resolve_resolution
from .traits import Traits, names_of

if TYPE_CHECKING:
    from .backend.backend import Backend

NO_MODEL = (
    "This widget shows a saved explanation and has no model: "
    "explore(...) makes one that explains anew."
)


class ExplanationWidget(Traits):
    """Shows explanations of one picture. Make one with `explore` or `show`.

    Every trait may be observed and set. What is asked for (``prompt``, ``prompts``, ``method``, ``model``,
    ``resolution``, ``picture``, ``image_layers``, ``text_layers``) is explained anew by a worker where the
    widget has a model: the latest request wins, and until it is answered, or where it cannot be, the last
    picture stands. `wait`, or ``await widget``, for the answer.
    """

    # As texts: where anywidget is given paths it keeps every widget alive, to follow changes of the files.
    _esm = (STATIC / "widget.js").read_text(encoding="utf-8")
    _css = (STATIC / "widget.css").read_text(encoding="utf-8")

    def __init__(
        self,
        explanations: Sequence[Explanation],
        backend: Backend | None = None,
        request: Request | None = None,
        **traits: Any,
    ) -> None:
        """Show explanations of one picture.

        Args:
            explanations: one per prompt.
            backend: computes what is asked; without it the widget only shows.
            request: what the explanations answer, where there is a backend.
            **traits: initial values of traits.

        Raises:
            TypeError: there is no such trait, or not an explanation.
            ValueError: there are none.
        """
        # Set before anything is refused: what was refused is closed too, and `close` needs it.
        self._computation: Computation | None = None
        self._own_layout: Any = None
        check_options(traits, names_of(option=True))
        if not explanations:
            raise ValueError("nothing to show: give at least one explanation")
        for e in explanations:
            if not isinstance(e, Explanation):
                raise TypeError(f"show takes explanations, not {type(e).__name__}")
        first = explanations[0]
        captions = tuple(e.caption for e in explanations)
        request = request or Request(0, captions, first.model, first.method)
        self._display = Display(self, backend, request)
        super().__init__()
        self._own_layout = self.layout  # a widget of its own, which nobody else would close
        if backend is not None:
            self._computation = Computation(backend, Worker(self.changed), self._display)
        self.observe(self._request, [name for name in names_of(request=True) if name != "prompts"])
        asked = [name for q in QUESTIONS.values() for name in (q.asks, *q.depends_on)]
        self.observe(self._ask, ["region", "active", *asked])
        with self._display.update():
            self.live = backend is not None
            self._display.show_request(request, 0)
            self._display.show(Result.of(request, explanations))
            for name, value in traits.items():
                setattr(self, name, value)
            self._ask()
        self.on_msg(self._receive)

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """All explanations shown, one per prompt."""
        return self._display.state.explanations

    @property
    def code(self) -> str:
        """What is on show, as Python."""
        return str(self._code)

    # Working and waiting

    def wait(self, timeout: float | None = None) -> None:
        """Block until nothing is under way.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        if self._computation is not None:
            self._computation.wait(timeout)

    def __await__(self) -> Generator[Any, None, None]:
        """`wait` for asynchronous code: ``await widget``."""
        return asyncio.to_thread(self.wait).__await__()

    def cancel(self) -> None:
        """Drop what is under way, and set the traits to what is shown."""
        display = self._display
        with display.update():
            if self._computation is not None:
                self._computation.cancel()
            display.show_request(display.state.shown, min(self.active, len(self.explanations) - 1))
            for question in [QUESTIONS[name] for name in display.pending()]:
                setattr(self, question.asks, question.after_cancel(self))
            display.finish()

    def free(self, name: str) -> None:
        """Let go of a model's weights.

        Raises:
            ValueError: it is in use, or there is none of that name.
        """
        with self.changed:
            backend, state = self._backend(), self._display.state
            if name in (state.wanted.model, state.shown.model):
                raise ValueError(f"model {name!r} is in use; switch to another one to free it")
            backend.free(name)
            self._models = backend.models.entries()

    def add_image(self, image: Any, name: str | None = None) -> None:
        """Add a picture to the strip and switch to it.

        Args:
            image: one picture, as `explore` takes it.
            name: what to call it; the file's name, or a number, when ``None``.

        Raises:
            TypeError, ValueError, FileNotFoundError: it cannot be read; the sentence says why.
        """
        backend = self._backend()
        entry = backend.pictures.read(image, name)
        with self.changed:
            index = backend.pictures.add(entry)
            self._pictures = backend.picture_entries(self._display.state.shown.model)
            self.picture = index

    def close(self) -> None:
        """Close the views, stop what is under way, and let go of the models."""
        if self._computation is not None:
            self._computation.close()
            self._computation = self._display.backend = None
        if self._own_layout is not None:
            self._own_layout.close()
        super().close()

    # Without a kernel

    def save_html(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write one self-contained page with the same interaction, needing no kernel and no network."""
        page(self.explanations, path, title, self._display.page_state())
        return Path(path)

    def __repr__(self) -> str:
        """Return what is shown in one line: what is left of a widget within others where none are alive."""
        if not self.explanations:
            return f"{type(self).__name__}()"
        e = self.explanation
        return f"{type(self).__name__}({e.caption!r:.60}, score={e.score:.3f}, model={e.model!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view; a cell is given what stands in for it beside it, see `fallback`."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/html"] = self._display.stand_in()
        return bundle

    # From traits to requests. Observers run on the thread that sets a trait, with `changed` held.

    @t.observe("prompt", "prompts", "active")
    def _sync_prompts(self, change: Any) -> None:
        """Keep prompt, prompts and active in step, whichever was set, also several at once."""
        if not self.explanations:
            return
        state = self._display.state
        prompts, row = resolve_prompts(self.prompt, self.prompts, self.active, state)
        self._display.change(row=row, prompt=prompts[row])
        self.active, self.prompts, self.prompt = row, prompts, prompts[row]
        if self.versus is not None and self.versus >= len(prompts):
            self.versus = None
        if row != state.row and row < len(self.explanations):
            self.selected_words, self.hovered_word = [], None
            self.explanation = self.explanations[row]
        self._request()

    @t.observe("importance")
    def _want_integrated_gradients(self, change: Any) -> None:
        """Have the measure computed that is computed on demand only."""
        if self.importance == INTEGRATED_GRADIENTS:
            self.integrated_gradients = True

    def _request(self, change: Any = None) -> None:
        """Submit a request, where the traits ask for something else than before."""
        if not self.explanations:
            return
        wanted = self._display.state.wanted
        self.resolution = resolve_resolution(self.model, self.resolution, wanted)
        wanted = self._display.state.wanted
        request = wanted.with_values({name: getattr(self, name) for name in names_of(request=True)})
        if request != wanted:
            self._display.change(wanted=request)
            self._submit(request)

    @t.observe("history_index")
    def _go_to_step(self, change: Any) -> None:
        """Go back or forward in the history."""
        history = self._display.history
        if self.history_index != history.index:
            step = history[self.history_index]
            self._display.show_request(step.request, step.active)
            self._submit(step.request, step)

    def _submit(self, request: Request, step: Step | None = None) -> None:
        with self.hold_sync():
            if self._computation is None:
                self.status, self.error = "error", NO_MODEL
            else:
                self._display.start()
                self._computation.submit(request, step)

    def _ask(self, change: Any = None) -> None:
        """Clear answers that are not asked for any more, and have missing ones computed.

        An explanation under way answers them itself when it is done.
        """
        if self._computation is None or not self.explanations:
            return
        for name, arguments in self._display.questions().items():
            if arguments is None:
                self._display.clear_answer(name)
        state = self._display.state
        explaining = self.status == "computing" and state.wanted != state.shown
        pending = self._display.pending()
        if not explaining and (pending or self._computation.answering):
            if not all(QUESTIONS[name].quiet for name in pending):
                self.status = "computing"
            self._computation.answer()

    @t.observe("explanation")
    def _replace(self, change: Any) -> None:
        """Show an explanation that was made elsewhere."""
        e: Explanation = change["new"]
        if self.explanations and not any(e is shown for shown in self.explanations):
            if self._computation is not None:
                self._computation.cancel()
            request = replace(self._display.state.shown, prompts=(e.caption,))
            self._display.show_request(request, 0)
            self._display.show(Result.of(request, [e]))
            self._display.finish()

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Do what a view asks for in a message, or show why not."""
        handlers: dict[str, Callable[[], None]] = {
            "cancel": self.cancel,
            "free": lambda: self.free(content["model"]),
            "picture": lambda: self.add_image(bytes(buffers[0]), content["name"]),
        }
        handle = handlers.get(content.get("type", ""))
        try:
            if handle is not None:
                handle()
        except (TypeError, ValueError, OSError) as error:
            with self._display.update():
                self._display.refuse(error)

    def _backend(self) -> Backend:
        if self._computation is None:
            raise ValueError(NO_MODEL)
        return self._computation.backend


ExplanationWidget.__doc__ = f"{ExplanationWidget.__doc__}\n{describe_traits()}    "
