"""What an explanation is requested for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..explain.setup import ExplainSettings

_SETTINGS = frozenset(field.name for field in fields(ExplainSettings))


@dataclass(frozen=True)
class Request:
    """What an explanation is requested for.

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

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the fields and settings that have one of some names, by name. Other names are ignored."""
        fields = {name: getattr(self, name) for name in names if name in _FIELDS}
        return fields | {name: getattr(self.settings, name) for name in names if name in _SETTINGS}

    def with_values(self, values: Mapping[str, Any]) -> Request:
        """Return the request with other fields and settings, by name. Other names are ignored."""
        fields = {name: value for name, value in values.items() if name in _FIELDS}
        settings = {name: value for name, value in values.items() if name in _SETTINGS}
        return replace(self, **fields, settings=replace(self.settings, **settings))


_FIELDS = frozenset(field.name for field in fields(Request)) - {"settings"}
