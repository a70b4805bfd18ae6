"""The live widget: what is asked of it, what its worker answers, and what the reader does with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t

from ..explain.explanation import Explanation
from ..export.html import STATIC, frame, page
from .computation import NO_MODEL, Answering, payloads_of
from .request import Request
from .traits import check_options
from .worker import Worker

if TYPE_CHECKING:
    from .backend import Session


class ExplanationWidget(Answering):
    """Shows explanations of one picture. Make one with `explore` or `show`.

    Every trait may be observed and set. What is asked for (``prompt``, ``prompts``, ``method``, ``model``,
    ``resolution``, ``picture``, ``image_layers``, ``text_layers``) is explained anew by a worker where the
    widget has a model: the latest request wins, and until it is answered, or where it cannot be, the last
    picture stands. `wait`, or ``await widget``, for the answer.

    Attributes:
        explanation: the one shown.
        prompt: the caption asked for. ``prompts``: all captions, where several are compared.
        active: which of them is shown. ``versus``: which one is subtracted from it, or ``None``.
        method: name of the method, as `Explainer` takes it. ``model``: name of the model.
        resolution: short side in pixels, the model's own when ``None``.
        image_layers, text_layers: how many of the last blocks are explained.
        picture: index among the pictures.
        history: what was shown, step by step. ``history_index``: the step shown; set it to go back.
        vocabulary: name of the list of words that the region is asked about, "" for none. ``seen``: the
            strongest words, as ``{"word", "value"}``.
        erase: how the region is erased for a mask test, "" for not at all. ``erased``: the scores then.
        depth: whether maps of single blocks are wanted. ``image_block``, ``text_block``: the one shown.
        reading: how a word is read: ``"in caption"``, ``"alone"`` or ``"left out"``.
        overview: the picture before anyone hovers: ``"words"``, each word that counts in a hue of its own, or
            ``"caption"``, the map along the whole caption's embedding, the paper's. With ``reference=True``
            it is the caption's in any case.
        importance: the measure that tints the words and is the first bar, as `Explanation.importance` takes
            it; "" for the explanation's default. Integrated gradients are computed when they are asked for
            here, or where ``integrated_gradients`` is set.
        selected_words: indices of the pinned words. ``hovered_word``: index of the one under the pointer.
        region: ``None``, ``{"kind": "box", "box": [x0, y0, x1, y1]}`` or
            ``{"kind": "polygon", "points": [[x, y], ...]}``, in image pixels.
        controls: names of the controls on show; all when ``None``.
        opacity, color_scale, contour, sign, theme: how the map is painted.
        status: ``"ready"``, ``"computing"`` or ``"error"``. ``error``: the sentence shown. ``progress``:
            ``{"stage", "done", "total", "unit"}`` of the work under way.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    def __init__(
        self,
        explanations: Sequence[Explanation],
        session: Session | None = None,
        request: Request | None = None,
        **traits: Any,
    ) -> None:
        """Show explanations of one picture.

        Args:
            explanations: one per prompt.
            session: answers what is asked; without it the widget only shows.
            request: what the explanations answer, where there is a session.
            **traits: initial values of traits.

        Raises:
            TypeError: there is no such trait, or not an explanation.
            ValueError: there are none.
        """
        # First of all, since what is refused below is closed too.
        self._session, self._worker = session, Worker(self.changed)
        check_options(traits)
        if not explanations:
            raise ValueError("nothing to show: give at least one explanation")
        for e in explanations:
            if not isinstance(e, Explanation):
                raise TypeError(f"show takes explanations, not {type(e).__name__}")
        first = explanations[0]
        captions = tuple(e.caption for e in explanations)
        request = request or Request(0, captions, first.model, first.method)
        super().__init__(request)
        with self.changed, self.hold_sync():
            self.live = session is not None
            self._write(request, 0)
            self._put(list(explanations), payloads_of(explanations), request)
            for name, value in traits.items():
                setattr(self, name, value)
        self.on_msg(self._receive)

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """All explanations shown, one per prompt."""
        return tuple(self._explanations)

    @property
    def code(self) -> str:
        """What is on show, as Python."""
        return self._code

    # Working and waiting

    def wait(self, timeout: float | None = None) -> None:
        """Block until nothing is under way.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        self._worker.wait(timeout)

    def __await__(self) -> Generator[Any, None, None]:
        """`wait` for asynchronous code: ``await widget``."""
        return asyncio.to_thread(self.wait).__await__()

    def cancel(self) -> None:
        """Drop what is under way and ask for what is shown."""
        with self.changed:
            self._drop()

    def free(self, name: str) -> None:
        """Let go of a model's weights.

        Raises:
            ValueError: it is in use, or there is none of that name.
        """
        with self.changed:
            session = self._behind()
            if name in (self._wanted.model, self._shown.model):
                raise ValueError(f"model {name!r} is in use; switch to another one to free it")
            session.free(name)
            self._models = session.models.entries()

    def add_picture(self, image: Any, name: str | None = None) -> None:
        """Add a picture to the strip and switch to it.

        Args:
            image: path, encoded bytes, PIL image, array, or a normalised tensor (1, 3, H, W).
            name: what to call it; the file's name, or a number, when ``None``.

        Raises:
            TypeError, ValueError, FileNotFoundError: it cannot be read; the sentence says why.
        """
        session = self._behind()
        entry = session.album.read(image, name)
        with self.changed:
            index = session.album.add(entry)
            self._pictures = session.album.entries()
            self.picture = index

    def close(self) -> None:
        """Close the views, stop what is under way, and let go of the models."""
        self._worker.close()
        self._session = None
        super().close()

    # Without a kernel

    def save_html(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write one self-contained page with the same interaction, needing no kernel and no network."""
        page(self._explanations, path, title)
        return Path(path)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view; beside it the page, for where a notebook is shown without its widgets' state."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/html"] = frame(self._explanations)
        return bundle

    # What a view or a program does that is no question

    @t.observe("explanation")
    def _replace(self, change: Any) -> None:
        """Show an explanation that was made elsewhere."""
        e: Explanation = change["new"]
        if self._explanations and not any(e is shown for shown in self._explanations):
            self._worker.cancel()
            request = replace(self._shown, prompts=(e.caption,))
            self._write(request, 0)
            self._put([e], payloads_of([e]), request)
            self._rest()

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        handlers: dict[str, Callable[[], None]] = {
            "cancel": self.cancel,
            "free": lambda: self.free(content["model"]),
            "picture": lambda: self.add_picture(bytes(buffers[0]), content["name"]),
        }
        handle = handlers.get(content.get("type", ""))
        try:
            if handle is not None:
                handle()
        except (TypeError, ValueError, OSError) as error:
            with self.changed, self.hold_sync():
                self._refuse(error)

    def _behind(self) -> Session:
        if self._session is None:
            raise ValueError(NO_MODEL)
        return self._session
