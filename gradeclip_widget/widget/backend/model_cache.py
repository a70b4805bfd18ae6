"""The models of a widget's menu: loaded when first asked for, kept, and freed on request."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from ...clip import ClipModel, loading
from ...clip.supported_models import advice
from ...core.progress import Progress


class ModelCache:
    """Models by name. Those given as objects are there at once; named ones are loaded when first used.

    Args:
        models: names and weights as in ``"ViT-B-16/openai"``, or `ClipModel` objects.

    Raises:
        TypeError: something else was given.
        ValueError: no such model, or two of one name.
    """

    def __init__(self, models: Sequence[str | ClipModel]) -> None:
        self._sources: dict[str, str | None] = {}  # what `load` takes; None for objects
        self._loaded: dict[str, ClipModel] = {}
        for model in models:
            self._add(model)

    def _add(self, model: str | ClipModel) -> None:
        if isinstance(model, ClipModel):
            if self._loaded.get(model.name, model) is not model or model.name in self._sources:
                raise ValueError(
                    f"two models are called {model.name!r}; give one another name: "
                    "ClipModel(..., name=...)"
                )
            self._sources[model.name], self._loaded[model.name] = None, model
        elif isinstance(model, str):
            self._add_name(model)
        else:
            raise TypeError(f"a model is a name or a ClipModel, not {advice(model)}")

    def _add_name(self, model: str) -> None:
        """Add a model by its name, under its label; of two checkpoints of one label, also with the path."""
        label = loading.label(model)
        if label not in self._sources:
            self._sources[label] = model
            return
        given, other = self._loaded.get(label), self._sources[label]
        if other is not None and other != model and not loading.same(other, model):
            self._sources[loading.label(model, whole=True)] = model
        elif given is not None and not loading.stands_for(model, given):
            raise ValueError(
                f"two models are called {label!r}, an object and one to be loaded by name; give the former "
                "another name: ClipModel(..., name=...)"
            )

    def offer(self, model: str) -> None:
        """Add a model to the menu by its name, unless one of that name is there."""
        if loading.label(model) not in self._sources:
            self._add_name(model)

    @property
    def names(self) -> tuple[str, ...]:
        """All models, loaded or not."""
        return tuple(self._sources)

    def source(self, name: str) -> str | None:
        """What `load` takes for it, or ``None`` for a model that was given as an object."""
        return self._sources[name]

    def get(self, name: str, progress: Progress | None = None) -> ClipModel:
        """The model of that name, loaded where it is not.

        Raises:
            ValueError: it is not in the menu.
            ModelLoadError: its weights could not be fetched.
        """
        if name not in self._sources:
            known = ", ".join(map(repr, self._sources))
            raise ValueError(
                f"no model {name!r} in this widget: explore(..., models=[...]) offers {known}"
            )
        source, clip = self._sources[name], self._loaded.get(name)
        if clip is None or (source is not None and loading.is_outdated(clip)):
            assert source is not None, "objects are on the shelf until they are taken off the menu"
            clip = self._loaded[name] = loading.load_once(source, progress)
        return clip

    def free(self, name: str) -> None:
        """Let go of a model's weights. One that was given as an object leaves the menu too.

        Raises:
            ValueError: it is not in the menu.
        """
        if name not in self._sources:
            raise ValueError(
                f"no model {name!r} to free: there are {', '.join(map(repr, self._sources))}"
            )
        self._loaded.pop(name, None)
        if self._sources[name] is None:
            del self._sources[name]
        gc.collect()  # traces and towers refer to each other, and the memory is wanted now

    def entries(self) -> list[dict[str, Any]]:
        """For the front end, as ``ModelEntry`` in ``js/src/core/types.ts``."""
        return [
            {
                "name": name,
                "loaded": name in self._loaded,
                "bytes": self._loaded[name].nbytes if name in self._loaded else 0,
            }
            for name in self._sources
        ]
