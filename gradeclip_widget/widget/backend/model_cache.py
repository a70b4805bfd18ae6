"""The models of a widget's menu: loaded when first used, cached, and freed on request.

Importing this does not import torch.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...clip import loading
from ...clip.loading.published_names import published_label
from ...core.progress import Progress

if TYPE_CHECKING:
    from ...clip import ClipModel


@dataclass(frozen=True)
class NamedModel:
    """A model that is loaded with options when it is first used.

    Attributes:
        name: as `load` takes it.
        options: ``pretrained``, ``device`` and ``dtype``, as `load` takes them.
    """

    name: str
    options: Mapping[str, Any]


class ModelCache:
    """Models by name. Models given by name are loaded when first used.

    Args:
        models: names and weights as in ``"ViT-B-16/openai"``, names with options, or `ClipModel` objects.

    Raises:
        TypeError: neither a name nor a `ClipModel`.
        ValueError: there is no such model, or two models have the same name.
    """

    def __init__(self, models: Sequence[str | NamedModel | ClipModel]) -> None:
        # What `load_once` takes; None for a model with options, or given as an object.
        self._sources: dict[str, str | None] = {}
        self._with_options: dict[str, NamedModel] = {}
        self._loaded: dict[str, ClipModel] = {}
        for model in models:
            self._add(model)

    def _add(self, model: str | NamedModel | ClipModel) -> None:
        if isinstance(model, str):
            self._add_name(model)
            return
        if isinstance(model, NamedModel):
            pretrained = model.options.get("pretrained")
            label = _label(model.name, pretrained)
            self._sources[label], self._with_options[label] = None, model
            return
        from ...clip import ClipModel
        from ...clip.supported_models import advice

        if isinstance(model, ClipModel):
            if self._loaded.get(model.name, model) is not model or model.name in self._sources:
                raise ValueError(
                    f"two models have the name {model.name!r}; give one of them another name: "
                    "ClipModel(..., name=...)"
                )
            self._sources[model.name], self._loaded[model.name] = None, model
        else:
            raise TypeError(f"a model is a name or a ClipModel, not {advice(model)}")

    def _add_name(self, model: str) -> None:
        """Add a model under its label; a second checkpoint with the same label gets its path in the name."""
        label = _label(model)
        if label not in self._sources:
            self._sources[label] = model
            return
        loaded, other = self._loaded.get(label), self._sources[label]
        named = self._with_options.get(label)
        if other is None and named is not None:
            other, pretrained = named.name, named.options.get("pretrained")
        else:
            pretrained = None
        if other is not None and other != model and not loading.same(model, other, pretrained):
            self._sources[loading.label(model, whole=True)] = model
        elif named is None and loaded is not None and not loading.stands_for(model, loaded):
            raise ValueError(
                f"two models have the name {label!r}: an object, and one to load by name; give the object "
                "another name: ClipModel(..., name=...)"
            )

    def offer(self, model: str) -> None:
        """Add a model to the menu by its name, unless the menu has it."""
        if _label(model) not in self._sources:
            self._add_name(model)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all models, loaded or not."""
        return tuple(self._sources)

    def source(self, name: str) -> str | None:
        """Return what `load` takes for a model; ``None`` for one with options, or given as an object."""
        return self._sources[name]

    def get(self, name: str, progress: Progress | None = None) -> ClipModel:
        """Return the model of a name; it is loaded if needed.

        Raises:
            ValueError: it is not in the menu.
            ModelLoadError: its weights could not be loaded.
        """
        if name not in self._sources:
            known = ", ".join(map(repr, self._sources))
            raise ValueError(
                f"no model {name!r} in this widget: explore(..., models=[...]) offers {known}"
            )
        source, clip = self._sources[name], self._loaded.get(name)
        named = self._with_options.get(name) if source is None else NamedModel(source, {})
        if named is not None and (clip is None or loading.is_outdated(clip)):
            clip = loading.load_once(named.name, progress, **named.options)
            self._loaded[name] = clip
        assert clip is not None, "a model given as an object is always loaded"
        return clip

    def free(self, name: str) -> None:
        """Free the memory of a model's weights. A model given as an object is removed from the menu too.

        Raises:
            ValueError: it is not in the menu.
        """
        if name not in self._sources:
            raise ValueError(
                f"no model {name!r} to free: there are {', '.join(map(repr, self._sources))}"
            )
        self._loaded.pop(name, None)
        if self._sources[name] is None and name not in self._with_options:
            del self._sources[name]
        gc.collect()  # traces and towers refer to each other, so reference counts alone free nothing

    def entries(self) -> list[dict[str, Any]]:
        """Return the models for the front end, as ``ModelEntry`` in ``js/src/state/entries.ts``."""
        return [
            {
                "name": name,
                "loaded": name in self._loaded,
                "bytes": self._loaded[name].nbytes if name in self._loaded else 0,
            }
            for name in self._sources
        ]


def _label(name: str, pretrained: Any = None) -> str:
    """Return the label of a model, without importing torch if possible.

    Raises:
        TypeError, ValueError: there is no such model.
    """
    return published_label(name, pretrained) or loading.label(name, pretrained)
