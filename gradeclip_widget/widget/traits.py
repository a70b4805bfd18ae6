"""The widget's traits: their names, first values, and what is refused. `js/src/synced.ts` mirrors them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from ..core.erasure import ERASURES
from ..core.evidence import INTEGRATED_GRADIENTS
from ..core.explanation_record import IN_CAPTION
from ..explain.explanation import Explanation

SIGNS = ("positive", "negative", "both")
OVERVIEWS = ("words", "caption")
COLOR_SCALES = ("inferno", "magma", "plasma", "viridis", "cividis")
CONTROLS = tuple(
    "prompt history compare method model resolution pictures reading overview importance evidence heat "
    "colours contour vocabulary erase layers details".split()
)
# What a user may pass to `explore` and `show` beside their own arguments.
OPTIONS = tuple(
    "reading overview importance opacity color_scale contour sign theme active versus selected_words "
    "region controls resolution picture image_layers text_layers integrated_gradients vocabulary erase "
    "depth image_block text_block".split()
)


class Traits(anywidget.AnyWidget):
    """State shared with every view, and checks on what is set.

    Traits are written by the kernel's main thread and by workers, one at a time: ``changed`` is held by who
    writes, also while observers run. It is one for all widgets, so that two that observe each other cannot
    lock each other out.
    """

    changed = threading.Condition()  # on a reentrant lock

    # What is asked for
    prompt = t.Unicode().tag(sync=True)
    prompts = t.Tuple().tag(sync=True)
    active = t.Int(0).tag(sync=True)
    versus = t.Int(None, allow_none=True).tag(sync=True)
    method = t.Unicode().tag(sync=True)
    model = t.Unicode().tag(sync=True)
    resolution = t.Int(None, allow_none=True).tag(sync=True)
    picture = t.Int(0).tag(sync=True)
    image_layers = t.Int(1, min=1)
    text_layers = t.Int(None, allow_none=True, min=1)
    integrated_gradients = t.Bool(False)
    history_index = t.Int(-1).tag(sync=True)
    vocabulary = t.Unicode("").tag(sync=True)
    erase = t.Enum(("", *ERASURES), "").tag(sync=True)
    depth = t.Bool(False).tag(sync=True)

    # What Python answers
    explanation = t.Instance(Explanation)
    live = t.Bool(False).tag(sync=True)
    status = t.Enum(("ready", "computing", "error"), "ready").tag(sync=True)
    error = t.Unicode("").tag(sync=True)
    progress = t.Instance(dict, allow_none=True).tag(sync=True)
    history = t.List(t.Dict()).tag(sync=True)
    seen = t.List(t.Dict()).tag(sync=True)
    erased = t.Instance(dict, allow_none=True).tag(sync=True)
    _payloads = t.List(t.Dict()).tag(sync=True)
    _methods = t.List(t.Dict()).tag(sync=True)
    _models = t.List(t.Dict()).tag(sync=True)
    _resolutions = t.List(t.Int()).tag(sync=True)
    _pictures = t.List(t.Dict()).tag(sync=True)
    _vocabularies = t.List(t.Unicode()).tag(sync=True)
    _code = t.Unicode("").tag(sync=True)
    _depth = t.Instance(dict, allow_none=True).tag(sync=True)

    # How it is shown
    controls = t.List(t.Enum(CONTROLS), None, allow_none=True).tag(sync=True)
    reading = t.Unicode(IN_CAPTION).tag(sync=True)
    overview = t.Enum(OVERVIEWS, "words").tag(sync=True)
    importance = t.Unicode("").tag(sync=True)
    selected_words = t.List(t.Int()).tag(sync=True)
    hovered_word = t.Int(None, allow_none=True).tag(sync=True)
    region = t.Instance(dict, allow_none=True).tag(sync=True)
    image_block = t.Int(None, allow_none=True, min=0).tag(sync=True)
    text_block = t.Int(None, allow_none=True, min=0).tag(sync=True)
    opacity = t.Float(0.72, min=0, max=1).tag(sync=True)
    color_scale = t.Enum(COLOR_SCALES, "inferno").tag(sync=True)
    contour = t.Bool(True).tag(sync=True)
    sign = t.Enum(SIGNS, "positive").tag(sync=True)
    theme = t.Enum(("auto", "light", "dark"), "auto").tag(sync=True)

    def __setattr__(self, name: str, value: Any) -> None:
        """One thread at a time, its observers included."""
        with self.changed:
            super().__setattr__(name, value)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """What a view has changed, all of it before any observer runs."""
        with self.changed:
            super().set_state(sync_data)

    @t.validate("reading")
    def _check_reading(self, proposal: Any) -> str:
        known = self.explanation.readings if self._payloads else (IN_CAPTION,)
        if proposal["value"] not in known:
            raise t.TraitError(
                f"reading {proposal['value']!r} is not one of {', '.join(map(repr, known))}"
            )
        return str(proposal["value"])

    @t.validate("importance")
    def _check_importance(self, proposal: Any) -> str:
        known = ("", *self.explanation.importance_measures) if self._payloads else ("",)
        if self.live and INTEGRATED_GRADIENTS not in known:
            known = (*known, INTEGRATED_GRADIENTS)  # computed when it is asked for
        if proposal["value"] not in known:
            raise t.TraitError(
                f"importance {proposal['value']!r} is not one of {', '.join(map(repr, known))}"
            )
        return str(proposal["value"])

    @t.validate("prompts")
    def _check_prompts(self, proposal: Any) -> tuple[str, ...]:
        prompts: tuple[str, ...] = proposal["value"]
        if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
            raise t.TraitError(f"prompts {prompts!r:.80}: give one caption or more, as strings")
        return prompts

    @t.validate("active")
    def _check_active(self, proposal: Any) -> int:
        self._check_index("active", proposal["value"], len(self.prompts), "prompts")
        return int(proposal["value"])

    @t.validate("versus")
    def _check_versus(self, proposal: Any) -> int | None:
        if proposal["value"] is None:
            return None
        self._check_index("versus", proposal["value"], len(self.prompts), "prompts")
        return int(proposal["value"])

    @t.validate("picture")
    def _check_picture(self, proposal: Any) -> int:
        self._check_index("picture", proposal["value"], len(self._pictures), "pictures")
        return int(proposal["value"])

    @t.validate("history_index")
    def _check_history_index(self, proposal: Any) -> int:
        self._check_index("history_index", proposal["value"], len(self.history), "steps")
        return int(proposal["value"])

    @t.validate("vocabulary")
    def _check_vocabulary(self, proposal: Any) -> str:
        if proposal["value"] not in ("", *self._vocabularies):
            known = ", ".join(map(repr, self._vocabularies)) or "none without a model"
            raise t.TraitError(
                f"no vocabulary {proposal['value']!r}: there are {known}; "
                "explore(..., vocabularies={name: words}) adds one"
            )
        return str(proposal["value"])

    @t.validate("selected_words")
    def _check_selected(self, proposal: Any) -> list[int]:
        self._check_words("selected_words", proposal["value"])
        return list(proposal["value"])

    @t.validate("hovered_word")
    def _check_hovered(self, proposal: Any) -> int | None:
        word: int | None = proposal["value"]
        self._check_words("hovered_word", [] if word is None else [word])
        return word

    @t.validate("region")
    def _check_region(self, proposal: Any) -> dict[str, Any] | None:
        region: dict[str, Any] | None = proposal["value"]
        if region is not None and not _is_region(region):
            raise t.TraitError(
                f"region {region!r:.80} is neither {{'kind': 'box', 'box': [x0, y0, x1, y1]}} nor "
                "{'kind': 'polygon', 'points': [[x, y], ...]}"
            )
        return region

    def _check_words(self, name: str, words: Sequence[int]) -> None:
        if self._payloads:
            count = len(self.explanation.words)
            if wrong := [w for w in words if not 0 <= w < count]:
                raise t.TraitError(
                    f"{name} {wrong}: the caption has {count} words, from 0 to {count - 1}"
                )

    def _check_index(self, name: str, index: int, count: int, what: str) -> None:
        """Whether an index is one of those there are; before there are any, whatever the first value is."""
        if count and not 0 <= index < count:
            raise t.TraitError(f"{name}={index}: there are {count} {what}, from 0")


def check_options(traits: dict[str, Any]) -> None:
    """Refuse what is no option of `explore` and `show`, before any work.

    Raises:
        TypeError: there is no such option.
    """
    if unknown := sorted(set(traits) - set(OPTIONS)):
        raise TypeError(
            f"no option {', '.join(map(repr, unknown))}; there are {', '.join(OPTIONS)}"
        )


def _is_region(region: dict[str, Any]) -> bool:
    corners = region.get("box" if region.get("kind") == "box" else "points")
    try:
        array = np.asarray(corners, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    shaped = {"box": array.shape == (4,), "polygon": array.ndim == 2 and array.shape[1:] == (2,)}
    return bool(shaped.get(region.get("kind", ""), False) and np.isfinite(array).all())
