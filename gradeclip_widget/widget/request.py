"""What an explanation is asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

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
        image_layers, text_layers: how many of the last blocks to explain, of text the model's usual ones when
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
        """Arguments of `Explainer`: all of them, or those that were changed from what they are at first."""
        first = {field.name: field.default for field in fields(self)}
        values = {name: getattr(self, name) for name in _OPTIONS}
        return {n: v for n, v in values.items() if not changed or v != first[n]}


FIELDS = tuple(field.name for field in fields(Request))
