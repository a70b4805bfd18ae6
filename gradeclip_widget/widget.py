"""The live widget: one explanation per prompt, and what the reader does with it, as traits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from .explanation import IN_CAPTION, Explanation
from .export import STATIC, page
from .payload import to_payload

if TYPE_CHECKING:
    from .clip import ClipModel
    from .explainer import Explainer

SIGNS = ("positive", "negative", "both")
COLOR_SCALES = ("inferno", "magma", "plasma", "viridis", "cividis")

Explain = Callable[[list[str], str], list[Explanation]]


class ExplanationWidget(anywidget.AnyWidget):
    """Shows explanations of one picture. Make one with `explore` or `show`.

    Every trait may be observed and set. Setting ``prompt`` or ``method`` explains anew where the widget has
    a model; what cannot be explained is said in ``error``, and the last picture stands.

    Attributes:
        explanation: the one shown.
        prompt: its caption. ``prompts``: all captions, where several are compared.
        active: which of them is shown.
        method: name of the method, as `Explainer` takes it.
        reading: how a word is read: ``"in caption"``, ``"alone"`` or ``"left out"``.
        selected_words: indices of the pinned words. ``hovered_word``: index of the one under the pointer.
        region: ``None``, ``{"kind": "box", "box": [x0, y0, x1, y1]}`` or
            ``{"kind": "polygon", "points": [[x, y], ...]}``, in image pixels.
        opacity, color_scale, contour, sign, theme: how the map is painted.
        status: ``"ready"``, ``"computing"`` or ``"error"``. ``error``: the sentence shown.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    _payloads = t.List(t.Dict()).tag(sync=True)
    active = t.Int(0).tag(sync=True)
    reading = t.Unicode(IN_CAPTION).tag(sync=True)
    selected_words = t.List(t.Int()).tag(sync=True)
    hovered_word = t.Int(None, allow_none=True).tag(sync=True)
    region = t.Dict(default_value=None, allow_none=True).tag(sync=True)
    opacity = t.Float(0.72, min=0, max=1).tag(sync=True)
    color_scale = t.Enum(COLOR_SCALES, "inferno").tag(sync=True)
    contour = t.Bool(True).tag(sync=True)
    sign = t.Enum(SIGNS, "positive").tag(sync=True)
    theme = t.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    status = t.Enum(("ready", "computing", "error"), "ready").tag(sync=True)
    error = t.Unicode("").tag(sync=True)

    prompts = t.Tuple()
    prompt = t.Unicode()
    method = t.Unicode()
    explanation = t.Instance(Explanation)

    def __init__(
        self,
        explanations: Sequence[Explanation],
        explain: Explain | None = None,
        method: str = "",
        **traits: Any,
    ) -> None:
        """Show explanations of one picture.

        Args:
            explanations: one per prompt.
            explain: explains captions by a method; without it the widget only shows.
            method: name of the method that made them.
            **traits: initial values of traits.

        Raises:
            TypeError: there is no such trait, or not an explanation.
            ValueError: there are none.
        """
        unknown = sorted(set(traits) - set(self.trait_names()))
        if unknown:
            raise TypeError(
                f"no option {', '.join(map(repr, unknown))}; there are "
                "reading, opacity, color_scale, contour, sign, theme, active, selected_words, region"
            )
        if not explanations:
            raise ValueError("nothing to show: give at least one explanation")
        for e in explanations:
            if not isinstance(e, Explanation):
                raise TypeError(f"show takes explanations, not {type(e).__name__}")
        self._explain = explain
        self._explanations: list[Explanation] = []
        self._quiet = False
        super().__init__()
        with self._quietly():
            self.method = method or explanations[0].method
            self._put(list(explanations))
        for name, value in traits.items():
            setattr(self, name, value)

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """All explanations, one per prompt."""
        return tuple(self._explanations)

    def save_html(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write one self-contained page with the same interaction, needing no kernel and no network."""
        page(self._explanations, path, title)
        return Path(path)

    def _put(self, explanations: list[Explanation]) -> None:
        """Show other explanations of the picture; a selection of words that are gone is cleared."""
        before = [e.words for e in self._explanations]
        self._explanations = explanations
        active = min(self.active, len(explanations) - 1)
        with self.hold_sync():
            self._payloads = [dict(to_payload(e)) for e in explanations]
            if before != [e.words for e in explanations]:
                self.selected_words, self.hovered_word = [], None
            self.active = active
            self.prompts = tuple(e.caption for e in explanations)
            self.explanation = explanations[active]
            self.prompt = explanations[active].caption
            self.status, self.error = "ready", ""

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Set traits without explaining anew."""
        self._quiet, before = True, self._quiet
        try:
            yield
        finally:
            self._quiet = before

    @t.validate("reading")
    def _check_reading(self, proposal: Any) -> str:
        known = self._explanations[0].readings if self._explanations else (IN_CAPTION,)
        if proposal["value"] not in known:
            raise t.TraitError(
                f"reading {proposal['value']!r} is not one of {', '.join(map(repr, known))}"
            )
        return str(proposal["value"])

    @t.validate("active")
    def _check_active(self, proposal: Any) -> int:
        if self._explanations and not 0 <= proposal["value"] < len(self._explanations):
            raise t.TraitError(
                f"active={proposal['value']}: there are {len(self._explanations)} prompts, from 0"
            )
        return int(proposal["value"])

    @t.validate("selected_words")
    def _check_selected(self, proposal: Any) -> list[int]:
        if self._explanations:
            count = len(self._explanations[self.active].words)
            if wrong := [w for w in proposal["value"] if not 0 <= w < count]:
                raise t.TraitError(
                    f"selected_words {wrong}: the caption has {count} words, from 0 to {count - 1}"
                )
        return list(proposal["value"])

    @t.observe("active")
    def _switch(self, change: Any) -> None:
        if self._explanations:
            with self._quietly(), self.hold_trait_notifications():
                self.explanation = self._explanations[change["new"]]
                self.prompt = self.explanation.caption
                self.selected_words, self.hovered_word = [], None

    @t.observe("prompt")
    def _reprompt(self, change: Any) -> None:
        if not self._quiet:
            prompts = list(self.prompts)
            prompts[self.active] = change["new"]
            self._recompute(prompts, self.method)

    @t.observe("method")
    def _remethod(self, change: Any) -> None:
        if not self._quiet:
            self._recompute(list(self.prompts), change["new"])

    def _recompute(self, prompts: list[str], method: str) -> None:
        """Explain anew, or say in the widget why not."""
        if self._explain is None:
            self.status, self.error = (
                "error",
                (
                    "This widget shows a saved explanation and has no model; use explore(...) to change it."
                ),
            )
            return
        self.status, self.error = "computing", ""
        try:
            explanations = self._explain(prompts, method)
        except (
            Exception
        ) as error:  # whatever went wrong, the reader must see it and keep the picture
            self.status, self.error = "error", _sentence(error)
            return
        with self._quietly():
            self._put(explanations)


def explore(
    image: Any,
    prompts: str | Sequence[str],
    model: str | ClipModel | Explainer = "demo",
    *,
    method: str = "grad-eclip",
    options: dict[str, Any] | None = None,
    **traits: Any,
) -> ExplanationWidget:
    """Explain a picture and show it as a live widget.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> widget = gw.explore(scene.image, scene.caption)
    >>> widget.status
    'ready'

    Args:
        image: path, encoded bytes, PIL image, array, or a normalised tensor (1, 3, H, W).
        prompts: a caption, or several to compare.
        model: ``"demo"`` for the embedded model, a name and weights as in ``"ViT-B-16/openai"``, a
            `ClipModel`, or an `Explainer`, which then decides the method and options too.
        method: name of the method.
        options: further arguments of `Explainer`, such as ``{"resolution": 448, "image_layers": 2}``.
        **traits: how to show it: ``reading``, ``opacity``, ``color_scale``, ``contour``, ``sign``, ``theme``.

    Raises:
        TypeError, ValueError, FileNotFoundError: bad input, named.
        ModelLoadError: the model's weights could not be fetched.
    """
    from .clip.loading import load_once
    from .explainer import Explainer

    if isinstance(model, Explainer):
        explainer, clip, method = model, model.clip, model.method.name
    else:
        clip = load_once(model) if isinstance(model, str) else model
        explainer = Explainer(clip, method, **(options or {}))

    def explain(captions: list[str], name: str) -> list[Explanation]:
        current = explainer if name == explainer.method.name else explainer.with_method(name)
        return current(image, captions)

    captions = [prompts] if isinstance(prompts, str) else list(prompts)
    return ExplanationWidget(explain(captions, method), explain, method, **traits)


def show(explanations: Explanation | Sequence[Explanation], **traits: Any) -> ExplanationWidget:
    """Show explanations as a widget that needs no model and no torch.

    Args:
        explanations: one, or several of the same picture.
        **traits: as in `explore`.

    Raises:
        TypeError: something else was given.
    """
    single = isinstance(explanations, Explanation)
    return ExplanationWidget([explanations] if single else list(explanations), **traits)  # type: ignore[arg-type, list-item]


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return (
        text
        if isinstance(error, ValueError | TypeError | OSError)
        else f"{type(error).__name__}: {text}"
    )
