"""What a widget is asked for, and what it shows: values that are replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..explain.explanation import Explanation

# Those that `Explainer` takes too.
_OPTIONS = ("resolution", "image_layers", "text_layers", "integrated_gradients")


@dataclass(frozen=True)
class Request:
    """What an explanation is asked for; the widget has a trait of every name.

    Attributes:
        picture: index among the pictures.
        prompts: the captions.
        model, method: names.
        resolution: short side in pixels, the model's own when ``None``.
        image_layers, text_layers: how many of the last blocks to explain; of text the model's default when
            ``None``.
        integrated_gradients: whether to compute that measure of importance as well.
    """

    picture: int
    prompts: tuple[str, ...]
    model: str
    method: str = "grad-eclip"
    resolution: int | None = None
    image_layers: int = 1
    text_layers: int | None = None
    integrated_gradients: bool = False

    @property
    def of_picture(self) -> Request:
        """The request without its prompts: what all maps of the picture depend on."""
        return replace(self, prompts=())

    def options(self, *, changed: bool = False) -> dict[str, Any]:
        """Return arguments of `Explainer`: all of them, or those that differ from their defaults."""
        first = {field.name: field.default for field in fields(self)}
        values = {name: getattr(self, name) for name in _OPTIONS}
        return {n: v for n, v in values.items() if not changed or v != first[n]}


FIELDS = tuple(field.name for field in fields(Request))


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
