"""The pictures and models of a live widget, and what is computed with them. No traits.

Importing this does not import torch: a worker thread does, when it explains for the first time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from cachetools import LRUCache
from PIL import Image

from ... import methods
from ...core.explanation_data import FOR_PHOTOGRAPHS
from ...core.progress import Progress, no_progress
from ...core.vocabulary import Vocabulary
from ...explain.word_lists import vocabularies
from ...export.picture import display_image
from ..request import Request
from .model_cache import ModelCache, NamedModel
from .picture_list import Entry, PictureList, lazy_copy, pictures_of

if TYPE_CHECKING:
    from ...clip import ClipModel
    from ...clip.preprocessing import Picture, RawPicture
    from ...explain.explainer import Explainer
    from ...explain.explanation import Explanation
    from ...explain.setup import EncodedImage
    from ...methods import Method

CACHED_EXPLANATIONS = 32
IMPORTING = "loading PyTorch"  # the stage of the imports
_FINER = (1.0, 1.5, 2.0)  # times the model's default resolution

# What the widgets hold by model, its version, picture and settings: widgets of one picture share it.
_encoded_in_use: WeakValueDictionary[tuple[Any, ...], EncodedImage] = WeakValueDictionary()


class Backend:
    """The pictures and models of a widget.

    The last explanations are cached, so that going back in the history computes nothing.

    Args:
        images: a picture, or a list of them, as `PictureList.read` takes.
        models: for the menu, as `ModelCache` takes.
        words: vocabularies besides the built-in ones, by name.
        method_options: options of methods, by the methods' names.
    """

    def __init__(
        self,
        images: Any,
        models: Sequence[str | NamedModel | ClipModel],
        words: Mapping[str, Sequence[str]] | None = None,
        method_options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._method_options = dict(method_options or {})
        self.pictures = PictureList()
        for image in pictures_of(images):
            self.pictures.add(self.pictures.read(image))
        self.models = ModelCache(models)
        self._words = {
            name: Vocabulary(name, tuple(list_)) for name, list_ in (words or {}).items()
        }
        self._explanations: LRUCache[Request, Explanation] = LRUCache(CACHED_EXPLANATIONS)
        # One is enough: the picture stays the same while a prompt is edited.
        self._encoded: LRUCache[tuple[Any, ...], EncodedImage] = LRUCache(1)
        # By request and the source of the map that is measured.
        self.curves: LRUCache[tuple[Request, str], dict[str, Any]] = LRUCache(CACHED_EXPLANATIONS)
        # By name: the model that computed what is cached, and its version then.
        self._made_by: dict[str, tuple[ClipModel, object]] = {}
        self._offers: LRUCache[tuple[Any, ...], dict[str, Any]] = LRUCache(1)

    def explain(self, request: Request, progress: Progress | None = None) -> list[Explanation]:
        """Return one explanation per prompt; only those that are not cached are computed.

        Raises:
            ValueError, TypeError, ModelLoadError: as `Explainer` and `load` do.
        """
        _import_torch(progress or no_progress)
        clip = self.models.get(request.model, progress)
        # One context for all that follows, because entering it checks whether the model has changed: slow.
        with clip.inference_context():
            self._forget_outdated(request.model, clip)
            return self._explain(request, progress)

    def _explain(self, request: Request, progress: Progress | None) -> list[Explanation]:
        from ...explain.unrelated import are_embedded

        keys = [replace(request, prompts=(caption,)) for caption in request.prompts]
        results = {key: self._explanations[key] for key in keys if key in self._explanations}
        missing = [key for key in dict.fromkeys(keys) if key not in results]
        if missing or not keys:
            explainer = self.explainer(request, progress)
            captions = [key.prompts[0] for key in missing]
            encoded = self.encode(request, explainer, progress)
            explanations = explainer(encoded, captions, progress=progress)
            if any(e.foreign for e in explanations):
                self.models.offer(FOR_PHOTOGRAPHS)
            if are_embedded(explainer.clip):
                explanations = [explainer.with_unrelated_scores(e, encoded) for e in explanations]
            # Programs get their own picture: other explanations, and other widgets, share this one.
            explanations = [replace(e, image=lazy_copy(e.image)) for e in explanations]
            results.update(zip(missing, explanations, strict=True))
        for key in missing:
            self._explanations[key] = results[key]
        return [results[key] for key in keys]

    def _forget_outdated(self, name: str, clip: ClipModel) -> None:
        """Drop what was computed by another model of that name, or by this model before it changed."""
        now = clip, clip.version
        before = self._made_by.get(name, now)
        if before[0] is not now[0] or before[1] is not now[1]:
            self._forget(name)
        self._made_by[name] = now

    def _forget(self, name: str) -> None:
        self._encoded.clear()
        self._offers.clear()
        for request in [key for key in self._explanations if key.model == name]:
            del self._explanations[request]
        for measurement in [key for key in self.curves if key[0].model == name]:
            del self.curves[measurement]

    # For the questions

    def source(self, request: Request) -> RawPicture | Picture:
        """Return a request's picture as the explainer takes it."""
        return self.pictures[request.picture].source

    def image(self, request: Request) -> Image.Image:
        """Return a request's picture as the reader sees it."""
        clip = self.models.get(request.model)
        return clip.image_processor.prepare(self.source(request)).image

    def explainer(self, request: Request, progress: Progress | None = None) -> Explainer:
        """Return the explainer of a request; its model is loaded if needed."""
        from ...explain.explainer import Explainer

        clip = self.models.get(request.model, progress)
        options = self._method_options.get(request.method)
        settings = asdict(request.settings)
        return Explainer(clip, request.method, method_options=options, **settings)

    def encode(
        self, request: Request, explainer: Explainer, progress: Progress | None = None
    ) -> EncodedImage:
        """Return the picture's pass through the image tower.

        It is cached while its settings stay, and shared with other widgets of the same model and picture.
        """
        clip, picture = explainer.clip, self.pictures[request.picture].identity
        key = (request.model, request.picture, request.settings.image_side)
        with clip.inference_context():
            self._forget_outdated(request.model, clip)
            if key not in self._encoded:
                shared_key = (clip, clip.version, picture, request.settings.image_side)
                encoded = _encoded_in_use.get(shared_key)
                if encoded is None:
                    encoded = explainer.encode(self.source(request), progress)
                    _encoded_in_use[shared_key] = encoded
                self._encoded[key] = encoded
            return self._encoded[key]

    def vocabularies(self, model: str) -> dict[str, Vocabulary]:
        """Return the lists of words that a region can be compared with, by name, the most suitable first."""
        return {**vocabularies(model), **self._words}

    def has_explained(self, request: Request) -> bool:
        """Return whether the explanation of a request with one prompt is cached."""
        return request in self._explanations

    def has_unrelated(self, request: Request) -> bool:
        """Return whether the explanations of a request have the scores of unrelated sentences."""
        keys = [replace(request, prompts=(caption,)) for caption in request.prompts]
        explanations = [self._explanations.get(key) for key in keys]
        return all(e is not None and e.unrelated_scores is not None for e in explanations)

    def has_blocks(self, request: Request) -> bool:
        """Return whether the method has maps of single blocks."""
        return methods.get_method(request.method).has_blocks and not request.settings.reference

    # What a reader can choose

    def preview(self, request: Request) -> dict[str, Any] | None:
        """Return a request's picture, to be shown until it is explained.

        Returns:
            As ``Preview`` in ``js/src/state/entries.ts``; ``None`` for a tensor.

        Raises:
            ValueError: there is no such picture.
        """
        image = self.pictures[request.picture].image
        if image is None:
            return None
        return {"image": display_image(image), "width": image.width, "height": image.height}

    def offers(self, request: Request) -> dict[str, Any]:
        """Return what a reader can choose when a request's explanations are shown, by the trait's name."""
        models, code = self.models.entries(), self.code(request)
        return self._fixed_offers(request) | {"_models": models, "_code": code}

    def _fixed_offers(self, request: Request) -> dict[str, Any]:
        """Return the offers that depend on neither prompts nor method, from a cache if nothing changed."""
        clip, settings = self.models.get(request.model), request.settings
        key = (
            clip,
            request.picture,
            settings,
            methods.method_names(),
        )  # methods can be added at any time
        if key not in self._offers:
            self._offers[key] = {
                "_methods": _method_entries(clip, settings.reference),
                "_resolutions": self._resolutions(clip, request),
                "_pictures": self.pictures.entries(clip.image_processor),
                "_vocabularies": list(self.vocabularies(request.model)),
            }
        return self._offers[key]

    def add_picture(self, entry: Entry) -> int:
        """Add a picture to the strip; return its index."""
        self._offers.clear()
        return self.pictures.add(entry)

    def picture_entries(self, model: str) -> list[dict[str, Any]]:
        """Return the pictures of the strip as they look when a model's explanations are shown."""
        return self.pictures.entries(self.models.get(model).image_processor)

    def methods(self, request: Request) -> list[dict[str, Any]]:
        """Return all methods, as ``MethodEntry`` in ``js/src/state/entries.ts``."""
        methods: list[dict[str, Any]] = self._fixed_offers(request)["_methods"]
        return methods

    def _resolutions(self, clip: ClipModel, request: Request) -> list[int]:
        """Return short sides in pixels: the model's default and finer ones; none if there is no choice."""
        sized = clip.image_processor.is_fitted(self.source(request))
        if not (clip.image_processor.flexible and sized and request.settings.fit != "crop"):
            return []
        side, patch = min(clip.image_processor.image_size), max(clip.image_processor.patch_size)
        return [round(side * times / patch) * patch for times in _FINER]

    def code(self, request: Request) -> str:
        """Return the call of `explore` that shows a request."""
        source, path = self.models.source(request.model), self.pictures[request.picture].path
        prompts = request.prompts[0] if len(request.prompts) == 1 else list(request.prompts)
        defaults = {field.name: field.default for field in fields(request.settings)}
        changed = {k: v for k, v in asdict(request.settings).items() if v != defaults[k]}
        options = "".join(f", {name}={value!r}" for name, value in changed.items())
        given = [*([] if path else ["image"]), *([] if source else ["clip"])]
        comment = f"# {' and '.join(given)}: as given to this widget\n" if given else ""
        return (
            f"{comment}gw.explore({repr(path) if path else 'image'}, {prompts!r}, "
            f"model={repr(source) if source else 'clip'}, method={request.method!r}{options})"
        )

    def free(self, name: str) -> None:
        """Free a model's memory, as `ModelCache.free` does, and drop what was computed with it."""
        self._forget(name)
        self._made_by.pop(name, None)
        self.models.free(name)


def _import_torch(progress: Progress) -> None:
    """Import what takes seconds to import, before the first explanation."""
    if "gradeclip_widget.explain.explainer" in sys.modules:
        return
    progress(IMPORTING, 0, None)
    from ...explain import explainer as _  # noqa: F401


def _method_entries(clip: ClipModel, reference: bool) -> list[dict[str, Any]]:
    """Return all methods, as ``MethodEntry`` in ``js/src/state/entries.ts``."""
    return [
        {
            "name": name,
            "label": method.label_for(clip.image_tower),
            "purpose": method.purpose,
            "limits": method.limits,
            "blocks": method.has_blocks and not reference,
            "refusal": _refusal(method, clip),
        }
        for name in methods.method_names()
        for method in [methods.get_method(name, reference)]
    ]


def _refusal(method: Method, clip: ClipModel) -> str:
    """Return why a method cannot explain a model; empty if it can."""
    try:
        methods.check_towers(method, clip.image_tower, clip.text_tower)
    except ValueError as error:
        return str(error)
    return ""
