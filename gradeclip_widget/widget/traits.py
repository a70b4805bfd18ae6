"""The widget's traits: their checks, and their metadata for Python and the front end.

- ``sync``: every view has the trait. ``ts``: its TypeScript type, if it does not follow from the trait.
- ``control``: the front end has a control with the trait's name. ``option``: `explore` and `show` take it.
- ``request``: the explanation depends on it. ``asks``: Python responds to a change in another way. Python
  responds to the traits that ask questions too, without this.
- ``page``: a saved page includes it. ``explained``: its values are checked against the explanation.

``scripts/write_synced.py`` writes ``js/src/state/synced.ts`` from this metadata.
"""

from __future__ import annotations

import textwrap
import threading
import types
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from ..core.errors import did_you_mean
from ..core.evidence import INTEGRATED_GRADIENTS, SIGNS
from ..core.explanation_data import IN_CAPTION
from ..core.regions import check_pixels
from ..explain.explanation import Explanation
from ..export.painting.color_scales import COLOR_SCALES, OPACITY
from .questions import QUESTIONS

OVERVIEWS = ("words", "caption")
# Other names for options, as other libraries use them.
_SYNONYMS = {
    "alpha": "opacity",
    "cmap": "color_scale",
    "colormap": "color_scale",
    "colorscale": "color_scale",
    "colour": "color_scale",
    "color": "color_scale",
    "layers": "image_layers",
    "size": "resolution",
    "image_size": "resolution",
    "words": "selected_words",
    "box": "region",
    "outline": "contour",
}

_QuestionTraits: Any = types.new_class(
    "_QuestionTraits", tuple(question.Traits for question in QUESTIONS.values())
)


class FirstAwaited(t.Instance[Explanation]):
    """A trait whose value is waited for until there is a first one."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """Return the value.

        Raises:
            Exception: there is none, because the work has failed.
        """
        known = obj.trait_has_value(self.name)
        return super().get(obj, cls) if known else obj.first_explanation()


class Traits(_QuestionTraits, anywidget.AnyWidget):  # type: ignore[misc] # a class made at run time
    """The traits of the widget, and checks of their values.

    Attributes:
        changed: its lock is held by the thread that sets traits, the kernel's main thread or a worker, also
            while observers run. All widgets share it: with two locks, two widgets that observe each other
            could block each other.
    """

    changed = threading.Condition()  # on a reentrant lock

    # What is explained

    prompt = t.Unicode(help="the active caption").tag(sync=True, control=True, asks=True)
    prompts = t.Tuple(help="all captions, if several are compared").tag(
        sync=True, request=True, ts="string[]"
    )
    active = t.Int(0, help="index of the prompt shown").tag(sync=True, option=True, page=True)
    versus = t.Int(
        None, allow_none=True, help="index of the prompt that is subtracted from it, or None"
    ).tag(sync=True, control=True, option=True, page=True)
    method = t.Unicode(help="name of the method, as `Explainer` takes it").tag(
        sync=True, control=True, request=True
    )
    model = t.Unicode(help="name of the model").tag(sync=True, control=True, request=True)
    resolution = t.Int(
        None, allow_none=True, help="short side in pixels; the model's default if None"
    ).tag(sync=True, control=True, option=True, request=True)
    picture = t.Int(0, help="index among the pictures").tag(
        sync=True, control=True, option=True, request=True
    )
    image_layers = t.Int(1, min=1, help="how many of the last image blocks are explained").tag(
        option=True, request=True
    )
    text_layers = t.Int(
        None, allow_none=True, min=1, help="the same for text blocks; the model's default if None"
    ).tag(option=True, request=True)
    integrated_gradients = t.Bool(
        False, help="whether integrated gradients of the words are computed too"
    ).tag(option=True, request=True)
    history_index = t.Int(
        -1, help="index of the step of the history that is shown; set it to go back"
    ).tag(sync=True, asks=True)

    # What Python sets

    explanation = FirstAwaited(
        Explanation, help="the explanation shown; reading it waits for the first one"
    )
    live = t.Bool(False, help="whether there is a model, so that prompts can be edited").tag(
        sync=True
    )
    status = t.Enum(("ready", "computing", "error"), "ready", help="state of the work").tag(
        sync=True
    )
    error = t.Unicode("", help="message of the last error; empty if there is none").tag(sync=True)
    _preview = t.Instance(
        dict, allow_none=True, help="the picture that is shown until it is explained"
    ).tag(sync=True, ts="Preview")
    progress = t.Instance(
        dict, allow_none=True, help="how far the work is: stage, done, total and unit"
    ).tag(sync=True, ts="Progress")
    history = t.List(t.Dict(), help="the steps of the history").tag(
        sync=True, control=True, ts="HistoryEntry[]"
    )
    _payloads = t.List(t.Dict(), help="the explanations shown, one payload per prompt").tag(
        sync=True, ts="RawPayload[]"
    )
    _methods = t.List(t.Dict(), help="the methods to choose from").tag(
        sync=True, page=True, ts="MethodEntry[]"
    )
    _models = t.List(t.Dict(), help="the models to choose from").tag(sync=True, ts="ModelEntry[]")
    _resolutions = t.List(t.Int(), help="the short sides to choose from, in pixels").tag(sync=True)
    _pictures = t.List(t.Dict(), help="the pictures to choose from").tag(
        sync=True, ts="PictureEntry[]"
    )
    _code = t.Unicode("", help="Python code that shows the same").tag(sync=True)

    # How it is shown

    controls = t.List(
        t.Unicode(), None, allow_none=True, help="names of the visible controls; all if None"
    ).tag(sync=True, option=True, page=True, ts="ControlName[]")
    reading = t.Unicode(
        IN_CAPTION, help='how a word is read: "in caption", "alone" or "left out"'
    ).tag(sync=True, control=True, option=True, page=True, explained=True)
    overview = t.Enum(
        OVERVIEWS,
        "words",
        help="what the picture shows while no word is chosen: 'words', the important words, each in its own "
        "color, or 'caption', the map of the whole caption, as in the paper",
    ).tag(sync=True, control=True, option=True, page=True)
    importance = t.Unicode(
        "",
        help="the measure of importance shown, as `Explanation.importance` takes it; empty for the default",
    ).tag(sync=True, control=True, option=True, page=True, explained=True)
    selected_words = t.List(t.Int(), help="indices of the pinned words").tag(
        sync=True, option=True, page=True, explained=True
    )
    hovered_word = t.Int(
        None, allow_none=True, help="index of the word under the pointer, or None"
    ).tag(sync=True, explained=True)
    region = t.Instance(
        dict,
        allow_none=True,
        help="None, {'kind': 'box', 'box': [x0, y0, x1, y1]}, "
        "{'kind': 'polygon', 'points': [[x, y], ...]}, or a thing as `Explanation.thing_at` returns it, "
        "in image pixels",
    ).tag(sync=True, option=True, page=True, ts="Region")
    opacity = t.Float(OPACITY, min=0, max=1, help="opacity of the strongest evidence").tag(
        sync=True, control=True, option=True, page=True
    )
    color_scale = t.Enum(COLOR_SCALES, "inferno", help="the colors of a single map").tag(
        sync=True, control=True, option=True, page=True, ts="string"
    )
    contour = t.Bool(True, help="whether a line surrounds the strong evidence").tag(
        sync=True, control=True, option=True, page=True
    )
    sign = t.Enum(SIGNS, "positive", help="which evidence a single map shows").tag(
        sync=True, control=True, option=True, page=True
    )
    details = t.Bool(True, help="whether details of the computation are shown").tag(
        sync=True, control=True, option=True, page=True
    )
    theme = t.Enum(("auto", "light", "dark"), "auto", help="light, dark, or as the page").tag(
        sync=True, option=True, page=True
    )

    @t.validate("controls")
    def _check_controls(self, proposal: Any) -> list[str] | None:
        names: list[str] | None = proposal["value"]
        known = names_of(control=True)
        if unknown := [name for name in names or () if name not in known]:
            raise t.TraitError(f"controls {unknown}: there are {', '.join(known)}")
        return names

    @t.validate("reading")
    def _check_reading(self, proposal: Any) -> str:
        known = self.explanation.readings if self._payloads else (IN_CAPTION,)
        return _one_of("reading", proposal["value"], known)

    @t.validate("importance")
    def _check_importance(self, proposal: Any) -> str:
        known = ("", *self.explanation.importance_measures) if self._payloads else ("",)
        if self.live and INTEGRATED_GRADIENTS not in known:
            known = (*known, INTEGRATED_GRADIENTS)  # computed once it is selected
        return _one_of("importance", proposal["value"], known)

    @t.validate("prompts")
    def _check_prompts(self, proposal: Any) -> tuple[str, ...]:
        prompts: tuple[str, ...] = proposal["value"]
        if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
            raise t.TraitError(f"prompts {prompts!r:.80}: give one caption or more, as strings")
        return prompts

    @t.validate("active", "versus")
    def _check_prompt_index(self, proposal: Any) -> int | None:
        return _index(proposal, len(self.prompts), "prompts")

    @t.validate("picture")
    def _check_picture(self, proposal: Any) -> int | None:
        return _index(proposal, len(self._pictures), "pictures")

    @t.validate("history_index")
    def _check_history_index(self, proposal: Any) -> int | None:
        return _index(proposal, len(self.history), "steps")

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
                "{'kind': 'polygon', 'points': [[x, y], ...]} nor a thing, as Explanation.thing_at returns it"
            )
        if region is not None:
            try:
                check_pixels(region, self.explanation.image.size if self._payloads else None)
            except ValueError as error:
                raise t.TraitError(f"region: {error}") from error
        return region

    def _check_words(self, name: str, words: Sequence[int]) -> None:
        if self._payloads:
            count = len(self.explanation.words)
            if wrong := [w for w in words if not 0 <= w < count]:
                raise t.TraitError(
                    f"{name} {wrong}: the caption has {count} words, from 0 to {count - 1}"
                )


def declared() -> Iterator[tuple[str, t.TraitType[Any, Any]]]:
    """Yield the names and traits that are declared here and by questions, in the order of the source."""
    for base in (Traits, *(question.Traits for question in QUESTIONS.values())):
        for name, value in vars(base).items():
            if isinstance(value, t.TraitType):
                yield name, value


def names_of(**metadata: Any) -> tuple[str, ...]:
    """Return the names of the traits that have some metadata."""
    return tuple(
        name
        for name, trait in declared()
        if all(trait.metadata.get(key) == value for key, value in metadata.items())
    )


def first_values(**metadata: Any) -> dict[str, Any]:
    """Return the first values of the traits that have some metadata, by name."""
    names = names_of(**metadata)
    return {name: trait.default() for name, trait in declared() if name in names}


def check_options(names: Iterable[str], known: Collection[str]) -> None:
    """Check the names of options, before any work.

    Raises:
        TypeError: there is no such option; the message names the nearest one.
    """
    for name in sorted(set(names) - set(known)):
        meant = _SYNONYMS.get(name.lower())
        hint = f"; did you mean {meant!r}?" if meant in known else did_you_mean(name, known)
        raise TypeError(f"no option {name!r}{hint or '.'} There are {', '.join(sorted(known))}")


def describe_traits() -> str:
    """Return the traits and their help, as the section of a docstring."""
    lines = [
        textwrap.fill(
            f"{name}: {trait.help}.", 106, initial_indent=" " * 8, subsequent_indent=" " * 12
        )
        for name, trait in declared()
        if not name.startswith("_")
    ]
    return "    Attributes:\n" + "\n".join(lines) + "\n"


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise t.TraitError(f"{name} {value!r} is not one of {', '.join(map(repr, known))}")
    return value


def _index(proposal: Any, count: int, what: str) -> int | None:
    """Return an index after a check that it is in range. While ``count`` is 0, any index passes."""
    index: int | None = proposal["value"]
    if index is not None and count and not 0 <= index < count:
        name = proposal["trait"].name
        raise t.TraitError(f"{name}={index}: there are {count} {what}, from 0")
    return index


def _is_region(region: dict[str, Any]) -> bool:
    kind, holes = region.get("kind"), region.get("holes", ())
    if kind == "box":
        return _shape(region.get("box")) == (4,)
    lines = [region.get("points"), *(holes if isinstance(holes, list | tuple) else [None])]
    return kind in ("polygon", "thing") and all(_shape(line)[1:] == (2,) for line in lines)


def _shape(numbers: Any) -> tuple[int, ...]:
    """Return the shape of a list of finite numbers; of anything else, that of no list."""
    try:
        array = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        return ()
    return array.shape if np.isfinite(array).all() else ()
