"""The live widget: what a program and a reader do with it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t
from IPython.core.getipython import get_ipython
from IPython.display import update_display

from ..explain.explanation import Explanation
from ..export.cell_output import PAGE, fallback, fallback_kind, placeholder
from ..export.html import frame, page, still_beneath
from ..export.still import picture_html, small_card, summary
from .backend.worker import Worker
from .cell import beside_live
from .computation import Computation
from .front_end import FrontEnd, closed_on_error, in_notebook
from .questions import QUESTIONS
from .request import Request
from .session import NO_MODEL, Effects, Session
from .traits import Traits, check_options, describe_traits, first_values, names_of

if TYPE_CHECKING:
    from .backend.backend import Backend

# The traits that the session responds to.
_INPUTS = (
    *names_of(request=True),
    *("prompt", "active", "versus", "history_index", "explanation", "importance", "region"),
    *{name for q in QUESTIONS.values() for name in (q.asks, *q.depends_on)},
)
# The traits whose values are checked against the explanation.
_EXPLAINED = frozenset(names_of(explained=True))


class ExplanationWidget(FrontEnd, Traits):
    """Shows explanations of one picture. Make one with `explore` or `show`.

    Every trait may be observed and set. When one of ``prompt``, ``prompts``, ``method``, ``model``,
    ``resolution``, ``picture``, ``image_layers`` or ``text_layers`` is set and the widget has a model, a
    worker thread computes a new explanation. The latest request wins. Until it is done, or if it fails, the
    last explanation stays visible. `wait`, or ``await widget``, for the new one.

    Until there is a first explanation, the picture and the prompts are shown. Reading `explanation`, and
    setting what is checked against it, such as ``selected_words``, waits for it.
    """

    _files = "widget"

    def __init__(
        self,
        explanations: Sequence[Explanation],
        backend: Backend | None = None,
        request: Request | None = None,
        **traits: Any,
    ) -> None:
        """Show explanations of one picture.

        Args:
            explanations: one per prompt; with a backend there may be none yet, and it computes them.
            backend: computes explanations; without it the widget only shows.
            request: the request of the explanations, if there is a backend.
            **traits: first values of traits.

        Raises:
            TypeError: there is no such trait, or not an explanation.
            ValueError: there are none and no backend, or there is no such picture.
        """
        # Set first: when a check below fails, ipywidgets still calls `close`, which reads these.
        self._computation: Computation | None = None
        self._late_options: dict[str, Any] = {}  # set once there is an explanation
        self._placeholders: list[str] = []  # display ids of outputs that wait for an explanation
        check_options(traits, names_of(option=True))
        if not explanations and (backend is None or request is None):
            raise ValueError("nothing to show: give at least one explanation")
        for e in explanations:
            if not isinstance(e, Explanation):
                raise TypeError(f"show takes explanations, not {type(e).__name__}")
        if request is None:
            first, captions = explanations[0], tuple(e.caption for e in explanations)
            request = Request(0, captions, first.model, first.method)
        self._session = Session(request, backend, first_values())
        super().__init__()
        if backend is not None:
            worker = Worker(self.changed)
            self._computation = Computation(
                backend, worker, self._session, self._write, self._fill_placeholders
            )
        with closed_on_error(self), self.changed, self.hold_sync():
            session = self._session
            effects = session.start(explanations) if explanations else session.begin()
            self._write(effects.values)
            if not explanations:
                self._late_options = {n: v for n, v in traits.items() if n in _EXPLAINED}
            for name, value in traits.items():
                if name not in self._late_options:
                    setattr(self, name, value)
            self._apply(Effects({}, effects.job))
            self._apply(self._session.ask())
        self.on_msg(self._receive)

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """All explanations shown, one per prompt. Reading them waits for the first ones."""
        self.first_explanation()
        return self._session.explanations

    @property
    def code(self) -> str:
        """Python code that shows the same."""
        return str(self._code)

    # Working and waiting

    def wait(self, timeout: float | None = None) -> None:
        """Block until all is computed.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
            Exception: there is no first explanation: the model could not be loaded, for example.
        """
        if self._computation is not None:
            self._computation.wait(timeout)
        if self._session.failure is not None:
            raise self._session.failure

    def first_explanation(self) -> Explanation:
        """Return the explanation shown; block until there is one.

        Raises:
            Exception: there is none: the model could not be loaded, for example.
        """
        session = self._session
        if not session.explanations and self._computation is not None:
            self._computation.wait_for_first()
        if session.explanations:
            return session.explanations[min(self.active, len(session.explanations) - 1)]
        raise session.failure or RuntimeError("this widget was closed before it was explained")

    def __await__(self) -> Generator[Any, None, None]:
        """`wait` for asynchronous code: ``await widget``."""
        return asyncio.to_thread(self.wait).__await__()

    def cancel(self) -> None:
        """Stop the work, and set the traits to what is shown."""
        with self.changed:
            self._apply(self._session.cancel())

    def retry(self) -> None:
        """Explain again after an error, such as an interrupted download."""
        with self.changed:
            self._backend()
            self._apply(self._session.retry())

    def free(self, name: str) -> None:
        """Free the memory of a model's weights.

        Raises:
            ValueError: the model is in use, or there is no model of that name.
        """
        with self.changed:
            backend = self._backend()
            if name in (self._session.request.model, self._session.shown_request.model):
                raise ValueError(f"model {name!r} is in use; switch to another one to free it")
            backend.free(name)
            self._models = backend.models.entries()

    def add_image(self, image: Any, name: str | None = None) -> None:
        """Add a picture to the strip and switch to it.

        Args:
            image: one picture, as `explore` takes it.
            name: of the picture; the file's name, or a number, when ``None``.

        Raises:
            TypeError, ValueError, FileNotFoundError: it cannot be read; the message says why.
        """
        backend = self._backend()
        entry = backend.pictures.read(image, name)
        with self.changed:
            index = backend.add_picture(entry)
            self._pictures = backend.picture_entries(self._session.shown_request.model)
            self.picture = index

    def close(self) -> None:
        """Close the views, stop the work, and free the models."""
        if self._computation is not None:
            self._computation.close()
            self._computation = self._session.backend = None
        super().close()

    # Without a kernel

    def save_html(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write one self-contained page with the same interaction. It needs no kernel and no network.

        It begins as the widget is now: with its words, region, colors and answers.
        """
        page(self.explanations, path, title, self._page_state())
        return Path(path)

    def _page_state(self) -> dict[str, Any]:
        """Return the values of the traits that a page without a kernel begins with."""
        return {name: getattr(self, name) for name in names_of(sync=True, page=True)}

    def __repr__(self) -> str:
        """Return one line. Hosts show it in place of a widget that is part of another one."""
        if not self._session.explanations:
            return f"{type(self).__name__}({self.prompt!r:.60}, status={self.status!r})"
        e = self.first_explanation()
        return f"{type(self).__name__}({e.caption!r:.60}, score={e.score:.3f}, model={e.model!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, and a static image for hosts that cannot show the live view."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        name = None
        if fallback_kind() == PAGE:
            self.wait()  # nothing is added to the page later
        elif not in_notebook():
            self.first_explanation()  # the output cannot be updated later
        with self.changed:
            if not self._session.explanations:
                name = f"gradeclip-{self.model_id}-{len(self._placeholders)}"
                self._placeholders.append(name)
        bundle[0].update(beside_live(self, self._static(), name))
        return bundle

    def _repr_html_(self) -> str:
        """Return a page without a kernel, in a frame, for tools such as sphinx-gallery."""
        self.wait()
        e = self.explanation
        picture = picture_html(small_card(e, self.selected_words or None), e)
        return frame(
            self.explanations, None, self._page_state(), still_beneath(picture, summary(e))
        )

    def _static(self) -> dict[str, str]:
        """Return a static image and text, by MIME type; a line of text until there is an explanation."""
        explanations = self._session.explanations
        if not explanations:
            return placeholder(self.prompt, self.model_id)
        words = self.selected_words or None
        return fallback(explanations, self.active, words, self.model_id, self._page_state())

    def _fill_placeholders(self) -> None:
        """Show the static image in outputs that were displayed before there was an explanation."""
        with self.changed:
            names, self._placeholders = self._placeholders, []
        for name in names:
            update_display(self._static(), raw=True, display_id=name)  # type: ignore[no-untyped-call]

    # Between the traits and the session. Observers run on the thread that sets a trait, with the lock held.

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, and run its observers, with the lock held.

        Raises:
            Exception: the value is checked against the explanation, and there is none because of an error.
        """
        if name in _EXPLAINED and not self._session.explanations:
            self.first_explanation()
        with self.changed:
            super().__setattr__(name, value)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Set the traits that a view has changed, all of them before any observer runs."""
        with self.changed:
            super().set_state(sync_data)

    def notify_change(self, change: Any) -> None:
        """Tell views and observers of a change, and mark it if it was made by the session."""
        session = self._session
        if not session.writing:
            super().notify_change(change)
            return
        change["by_session"], session.writing = True, False  # observers can make changes too
        try:
            super().notify_change(change)
        finally:
            session.writing = True

    @t.observe(*_INPUTS)
    def _forward(self, change: Any) -> None:
        """Tell the session of a change that it has not made."""
        if "by_session" not in change:
            with self.changed:
                # Reading an explanation that does not exist yet would wait for it.
                names = filter(self.trait_has_value, _INPUTS)
                values = {name: getattr(self, name) for name in names}
                self._apply(self._session.change(values))

    def _apply(self, effects: Effects) -> None:
        """Begin a job, then write values: a job that observers of the values begin comes later, and wins."""
        if effects.job is not None and self._computation is not None:
            self._computation.begin(effects.job)
        self._write(effects.values)

    def _write(self, values: Mapping[str, Any]) -> None:
        """Set traits to values of the session, all before any observer runs, and send them in one message."""
        session = self._session
        with self.changed, self.hold_sync():
            session.writing = True
            try:
                with self.hold_trait_notifications():
                    for name, value in values.items():
                        self.set_trait(name, value)
            finally:
                session.writing = False
            if session.explanations and self._late_options:
                self._set_late_options()

    def _set_late_options(self) -> None:
        """Set the options that are checked against the explanation, and show the first error."""
        options, self._late_options = self._late_options, {}
        try:
            for name, value in options.items():
                setattr(self, name, value)
        except t.TraitError as error:
            self._session.failure = error
            self._write(self._session.reject(error))

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Do what a view requests in a message, or show why that is not possible."""
        handlers: dict[str, Callable[[], None]] = {
            "cancel": self.cancel,
            "retry": self.retry,
            "free": lambda: self.free(content["model"]),
            "picture": lambda: self.add_image(bytes(buffers[0]), content["name"]),
        }
        handle = handlers.get(content.get("type", ""))
        try:
            if handle is not None:
                handle()
        except (TypeError, ValueError, OSError) as error:
            with self.changed:
                self._write(self._session.reject(error))

    def _backend(self) -> Backend:
        if self._computation is None:
            raise ValueError(NO_MODEL)
        return self._computation.backend


def is_stored_at_once() -> bool:
    """Return whether a widget's state is stored when it is displayed, so that later changes are not seen.

    nbconvert and papermill store a cell's output when the cell ends; they answer no `input()`. A page that
    Bokeh serves, as Panel's, has the state that the widget had when the page was made.
    """
    bokeh: Any = sys.modules.get("bokeh.io")
    if bokeh is not None and bokeh.curdoc().session_context is not None:
        return True
    kernel: Any = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
    return bool(request.get("content", {}).get("allow_stdin", True) is False)


ExplanationWidget.__doc__ = f"{ExplanationWidget.__doc__}\n{describe_traits()}    "
