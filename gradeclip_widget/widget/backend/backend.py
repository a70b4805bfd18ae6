"""The backend of a live widget: loads pictures and models, computes explanations, keeps them. No traits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from PIL import Image

from ...clip import ClipModel
from ...clip.preprocessing import Picture, RawPicture
from ...core.foreign import FOR_PHOTOGRAPHS
from ...core.progress import Progress
from ...core.vocabulary import Vocabulary
from ...explain.explainer import Explainer
from ...explain.unrelated import are_embedded
from ...explain.word_lists import vocabularies
from ...methods import Method, check_towers, get_method, method_names
from ..request import Request
from .model_cache import ModelCache
from .picture_list import PictureList, pictures_of

if TYPE_CHECKING:
    from ...explain.encoded_image import EncodedImage
    from ...explain.explanation import Explanation

EXPLANATIONS_KEPT = 32
_FINER = (1.0, 1.5, 2.0)  # times the model's own resolution


class Backend:
    """The pictures and models behind a widget.

    The last explanations are kept, so that going back costs nothing.

    Args:
        images: a picture, or a list of them, as `PictureList.read` takes.
        models: for the menu, as `ModelCache` takes.
        words: vocabularies besides the built-in ones, by name.
        method_options: options of methods, by the methods' names.
    """

    def __init__(
        self,
        images: Any,
        models: Sequence[str | ClipModel],
        words: Mapping[str, Sequence[str]] | None = None,
        method_options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._method_options = dict(method_options or {})
        self.pictures = PictureList()
        for image in pictures_of(images):
            self.pictures.add(self.pictures.read(image))
        self.models = ModelCache(models)
        self._words = {name: Vocabulary(name, tuple(them)) for name, them in (words or {}).items()}
        self._explanations: LRUCache[Request, Explanation] = LRUCache(EXPLANATIONS_KEPT)
        # One is enough: while a prompt is edited the picture stays.
        self._encoded: LRUCache[tuple[Any, ...], EncodedImage] = LRUCache(1)
        # By request and the map that is measured.
        self.curves: LRUCache[tuple[Request, str], dict[str, Any]] = LRUCache(EXPLANATIONS_KEPT)
        # By name: the model that what is kept was made by, and its version then.
        self._made_by: dict[str, tuple[ClipModel, object]] = {}

    def explain(self, request: Request, progress: Progress | None = None) -> list[Explanation]:
        """Return one explanation per prompt; only those that are not kept are computed.

        Raises:
            ValueError, TypeError, ModelLoadError: as `Explainer` and `load` do.
        """
        clip = self.models.get(request.model, progress)
        # Around all that follows: entering it looks whether the model has changed, which takes time.
        with clip.inference_context():
            self._forget_outdated(request.model, clip)
            return self._explain(request, progress)

    def _explain(self, request: Request, progress: Progress | None) -> list[Explanation]:
        keys = [replace(request, prompts=(caption,)) for caption in request.prompts]
        found = {key: self._explanations[key] for key in keys if key in self._explanations}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing or not keys:
            explainer = self.explainer(request, progress)
            captions = [key.prompts[0] for key in missing]
            encoded = self.encode(request, explainer, progress)
            made = explainer(encoded, captions, progress=progress)
            if any(e.foreign for e in made):
                self.models.offer(FOR_PHOTOGRAPHS)
            if are_embedded(explainer.clip):
                made = [explainer.with_unrelated_scores(e, encoded) for e in made]
            found.update(zip(missing, made, strict=True))
        for key in missing:
            self._explanations[key] = found[key]
        return [found[key] for key in keys]

    def _forget_outdated(self, name: str, clip: ClipModel) -> None:
        """Drop what another model of that name has made, or this one before it was changed."""
        now = clip, clip.version
        before = self._made_by.get(name, now)
        if before[0] is not now[0] or before[1] is not now[1]:
            self._forget(name)
        self._made_by[name] = now

    def _forget(self, name: str) -> None:
        self._encoded.clear()
        for request in [key for key in self._explanations if key.model == name]:
            del self._explanations[request]
        for measured in [key for key in self.curves if key[0].model == name]:
            del self.curves[measured]

    # What questions are answered with

    def source(self, request: Request) -> RawPicture | Picture:
        """Return a request's picture as the explainer takes it."""
        return self.pictures[request.picture].source

    def image(self, request: Request) -> Image.Image:
        """Return a request's picture as the reader sees it."""
        clip = self.models.get(request.model)
        return clip.image_processor.prepare(self.source(request)).image

    def explainer(self, request: Request, progress: Progress | None = None) -> Explainer:
        """Return the explainer that a request asks for; its model is loaded where it is not."""
        clip = self.models.get(request.model, progress)
        options = self._method_options.get(request.method)
        settings = asdict(request.settings)
        return Explainer(clip, request.method, method_options=options, **settings)

    def encode(
        self, request: Request, explainer: Explainer, progress: Progress | None = None
    ) -> EncodedImage:
        """Return the picture's pass through the image tower, kept while the image side stays as it is."""
        key = (request.model, request.picture, request.settings.image_side)
        with explainer.clip.inference_context():
            self._forget_outdated(request.model, explainer.clip)
            if key not in self._encoded:
                self._encoded[key] = explainer.encode(self.source(request), progress)
            return self._encoded[key]

    def vocabularies(self, model: str) -> dict[str, Vocabulary]:
        """Return the lists of words that a region can be asked about, by name, the most fitting one first."""
        return {**vocabularies(model), **self._words}

    def has_explained(self, request: Request) -> bool:
        """Whether there is an explanation that answers a request for one prompt."""
        return request in self._explanations

    def has_unrelated(self, request: Request) -> bool:
        """Whether the explanations that answer a request have the scores of unrelated sentences."""
        keys = [replace(request, prompts=(caption,)) for caption in request.prompts]
        kept = [self._explanations.get(key) for key in keys]
        return all(e is not None and e.unrelated_scores is not None for e in kept)

    def has_blocks(self, request: Request) -> bool:
        """Whether there are maps of single blocks: the method goes block by block, as the model does."""
        return get_method(request.method).has_blocks and not request.settings.reference

    # What a reader may choose from

    def offers(self, request: Request) -> dict[str, Any]:
        """Return what can be asked next of a request's model and picture, by the trait that holds it."""
        return {
            "_methods": self.methods(request),
            "_models": self.models.entries(),
            "_resolutions": self.resolutions(request),
            "_pictures": self.picture_entries(request.model),
            "_vocabularies": list(self.vocabularies(request.model)),
            "_code": self.code(request),
        }

    def picture_entries(self, model: str) -> list[dict[str, Any]]:
        """Return the pictures of the strip as they look when a model is on show."""
        return self.pictures.entries(self.models.get(model).image_processor)

    def methods(self, request: Request) -> list[dict[str, Any]]:
        """Return all methods, as ``MethodEntry`` in ``js/src/state/entries.ts``."""
        clip, reference = self.models.get(request.model), request.settings.reference
        return [
            {
                "name": name,
                "label": method.label_for(clip.image_tower),
                "purpose": method.purpose,
                "limits": method.limits,
                "blocks": method.has_blocks and not reference,
                "refusal": _refusal(method, clip),
            }
            for name in method_names()
            for method in [get_method(name, reference)]
        ]

    def resolutions(self, request: Request) -> list[int]:
        """Return short sides in pixels: the model's own and finer ones; none where there is no choice."""
        clip = self.models.get(request.model)
        sized = clip.image_processor.is_fitted(self.source(request))
        if not (clip.image_processor.flexible and sized and request.settings.fit != "crop"):
            return []
        own, patch = min(clip.image_processor.image_size), max(clip.image_processor.patch_size)
        return [round(own * times / patch) * patch for times in _FINER]

    def code(self, request: Request) -> str:
        """Return the call of `explore` that shows what was asked for."""
        source, path = self.models.source(request.model), self.pictures[request.picture].path
        prompts = request.prompts[0] if len(request.prompts) == 1 else list(request.prompts)
        first = {field.name: field.default for field in fields(request.settings)}
        changed = {k: v for k, v in asdict(request.settings).items() if v != first[k]}
        options = "".join(f", {name}={value!r}" for name, value in changed.items())
        return (
            f"gw.explore({repr(path) if path else 'image'}, {prompts!r}, "
            f"model={repr(source) if source else 'clip'}, method={request.method!r}{options})"
        )

    def free(self, name: str) -> None:
        """Drop a model from memory, as `ModelCache.free` does, with all that refers to it."""
        self._forget(name)
        self._made_by.pop(name, None)
        self.models.free(name)


def _refusal(method: Method, clip: ClipModel) -> str:
    """Return why a method cannot explain a model; empty where it can."""
    try:
        check_towers(method, clip.image_tower, clip.text_tower)
    except ValueError as error:
        return str(error)
    return ""
