"""The live widget: one explanation per prompt, and what the reader does with it, as traits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets as t

from .explanation import IN_CAPTION, Explanation
from .export import STATIC, frame, page
from .payload import to_payload

if TYPE_CHECKING:
    from .clip import ClipModel
    from .explainer import Explainer

SIGNS = ("positive", "negative", "both")
COLOR_SCALES = ("inferno", "magma", "plasma", "viridis", "cividis")

Explain = Callable[[list[str], str], list[Explanation]]


class ExplanationWidget(anywidget.AnyWidget):
    """Shows explanations of one picture. Make one with `explore` or `show`.

    Every trait may be observed and set. Setting ``prompt``, ``prompts`` or ``method`` explains anew where
    the widget has a model; what cannot be explained is said in ``error``, and the last picture stands.

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
        _check_options(traits)
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

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view; beside it the page, for where a notebook is shown without its widgets' state."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/html"] = frame(self._explanations)
        return bundle

    def _put(self, explanations: list[Explanation]) -> None:
        """Show other explanations of the picture; a selection of words that are gone is cleared."""
        before = [e.words for e in self._explanations]
        self._explanations = explanations
        active = min(self.active, len(explanations) - 1)
        with self.hold_sync():
            self._payloads = [dict(to_payload(e)) for e in explanations]
            self.active = active
            if before != [e.words for e in explanations]:
                self.selected_words, self.hovered_word = [], None
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
        self._check_words("selected_words", proposal["value"])
        return list(proposal["value"])

    @t.validate("hovered_word")
    def _check_hovered(self, proposal: Any) -> int | None:
        word: int | None = proposal["value"]
        self._check_words("hovered_word", [] if word is None else [word])
        return word

    def _check_words(self, name: str, words: list[int]) -> None:
        if self._explanations:
            count = len(self._explanations[self.active].words)
            if wrong := [w for w in words if not 0 <= w < count]:
                raise t.TraitError(
                    f"{name} {wrong}: the caption has {count} words, from 0 to {count - 1}"
                )

    @t.validate("region")
    def _check_region(self, proposal: Any) -> dict[str, Any] | None:
        region: dict[str, Any] | None = proposal["value"]
        if region is not None and not _is_region(region):
            raise t.TraitError(
                f"region {region!r:.80} is neither {{'kind': 'box', 'box': [x0, y0, x1, y1]}} nor "
                "{'kind': 'polygon', 'points': [[x, y], ...]}"
            )
        return region

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
            prompts = [e.caption for e in self._explanations]
            prompts[self.active] = change["new"]
            self._recompute(prompts, self.method)

    @t.observe("prompts")
    def _reprompt_all(self, change: Any) -> None:
        if not self._quiet:
            self._recompute(list(change["new"]), self.method)

    @t.observe("method")
    def _remethod(self, change: Any) -> None:
        if not self._quiet:
            self._recompute([e.caption for e in self._explanations], change["new"])

    @t.observe("explanation")
    def _replace(self, change: Any) -> None:
        if not self._quiet:
            with self._quietly():
                self._put([change["new"]])

    def _recompute(self, prompts: list[str], method: str) -> None:
        """Explain anew, or say in the widget why not."""
        if self._explain is None:
            self.error = (
                "This widget shows a saved explanation and has no model: "
                "explore(...) makes one that explains anew."
            )
            self.status = "error"
            return
        self.status, self.error = "computing", ""
        try:
            explanations = self._explain(prompts, method)
        # Whatever went wrong, the reader must see it and keep the picture.
        except Exception as error:  # noqa: BLE001
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
    from torch import Tensor

    from .clip.loading import load_once
    from .clip.pictures import read_image
    from .explainer import Explainer

    _check_options(traits)
    # Read once: the file may be gone, or another, by the time the prompt is edited.
    picture = image if isinstance(image, Tensor) else read_image(image)
    if isinstance(model, Explainer):
        explainer, clip, method = model, model.clip, model.method.name
    else:
        clip = load_once(model) if isinstance(model, str) else model
        explainer = Explainer(clip, method, **(options or {}))

    def explain(captions: list[str], name: str) -> list[Explanation]:
        current = explainer if name == explainer.method.name else explainer.with_method(name)
        return current(picture, captions)

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
    if isinstance(explanations, Explanation):
        explanations = [explanations]
    if not isinstance(explanations, Sequence):
        raise TypeError(f"show takes explanations, not {type(explanations).__name__}")
    return ExplanationWidget(explanations, **traits)


def _check_options(traits: dict[str, Any]) -> None:
    if unknown := sorted(set(traits) - set(ExplanationWidget.class_trait_names())):
        raise TypeError(
            f"no option {', '.join(map(repr, unknown))}; there are "
            "reading, opacity, color_scale, contour, sign, theme, active, selected_words, region"
        )


def _is_region(region: dict[str, Any]) -> bool:
    corners = region.get("box" if region.get("kind") == "box" else "points")
    try:
        array = np.asarray(corners, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    shaped = {"box": array.shape == (4,), "polygon": array.ndim == 2 and array.shape[1:] == (2,)}
    return bool(shaped.get(region.get("kind", ""), False) and np.isfinite(array).all())


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return (
        text
        if isinstance(error, ValueError | TypeError | OSError)
        else f"{type(error).__name__}: {text}"
    )
