"""What a widget is asked for, and what it shows: values that are replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..explain.explanation import Explanation
from ..explain.setup import ExplainSettings

_SETTINGS = frozenset(field.name for field in fields(ExplainSettings))


@dataclass(frozen=True)
class Request:
    """What an explanation is asked for.

    Attributes:
        picture: index among the pictures.
        prompts: the captions.
        model: name of the model.
        method: name of the method.
        settings: options of `Explainer`.
    """

    picture: int
    prompts: tuple[str, ...]
    model: str
    method: str = "grad-eclip"
    settings: ExplainSettings = field(default_factory=ExplainSettings)

    @property
    def of_picture(self) -> Request:
        """The request without its prompts: what all maps of the picture depend on."""
        return replace(self, prompts=())

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field, or of one of the settings, by its name, which is that of a trait."""
        return getattr(self.settings if name in _SETTINGS else self, name)

    def with_values(self, values: Mapping[str, Any]) -> Request:
        """Return the request with other values of fields and settings, by name."""
        settings = {name: value for name, value in values.items() if name in _SETTINGS}
        others = {name: value for name, value in values.items() if name not in _SETTINGS}
        return replace(self, **others, settings=replace(self.settings, **settings))


@dataclass(frozen=True, eq=False)
class WidgetState:
    """What a widget was asked and what it shows.

    Attributes:
        wanted: the request made last.
        shown: the request answered last, by what is on show.
        explanations: on show, one per prompt of ``shown``; none before the first are.
        row, prompt: the traits ``active`` and ``prompt`` as they last agreed with ``prompts``.
        answers: per answer on show, by its trait's name, the arguments that it was computed for.
        upload_error: why a picture was refused while other work was under way; empty where none was.
    """

    wanted: Request
    shown: Request
    explanations: tuple[Explanation, ...] = ()
    row: int = 0
    prompt: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    upload_error: str = ""

    def with_answer(self, name: str, arguments: Any) -> WidgetState:
        """Return the state with an answer on show; with none of that name where ``arguments`` is ``None``."""
        answers = {k: v for k, v in self.answers.items() if k != name}
        return replace(self, answers=answers if arguments is None else answers | {name: arguments})


def resolve_prompts(
    prompt: str, prompts: tuple[str, ...], active: int, state: WidgetState
) -> tuple[tuple[str, ...], int]:
    """Return prompts and the active one's index that agree, whichever of the three traits was set.

    A new ``prompt`` takes the place of the active one, unless ``prompts`` were set at the same time.

    Args:
        prompt: value of the trait, as are the next two.
        prompts: all captions.
        active: index of the one shown.
        state: how they agreed last.
    """
    row = min(active, len(prompts) - 1)
    if prompt != state.prompt and prompts == state.wanted.prompts:
        prompts = (*prompts[:row], prompt, *prompts[row + 1 :])
    return prompts, row


def resolve_resolution(model: str, resolution: int | None, wanted: Request) -> int | None:
    """Return the resolution to ask for: another model starts at its own, unless both were set."""
    another = model != wanted.model and resolution == wanted.settings.resolution
    return None if another else resolution
