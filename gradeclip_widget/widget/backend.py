"""A picture, a model and options to explanations: what stands behind a live widget. Knows no traits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..clip import ClipModel
from ..core.erasure import erase
from ..core.progress import Progress, unheard
from ..core.vocabulary import Vocabulary
from ..explain.explainer import Explainer
from ..explain.word_lists import vocabularies
from ..export.payload import to_raw_depth
from ..export.picture import display_image
from ..methods import BlockwiseMethod, get_method, method_names
from .model_cache import ModelShelf
from .picture_list import Album, pictures_of
from .request import Request

if TYPE_CHECKING:
    from ..explain.encoded_image import EncodedImage
    from ..explain.explanation import Explanation

EXPLANATIONS_KEPT = 32
_WORDS_SEEN = 12
_FINER = (1.0, 1.5, 2.0)  # times the model's own resolution

Region = Mapping[str, Any]  # as the widget's trait holds it


class Recent:
    """The values made last, so many of them; older ones are made again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def __getitem__(self, key: Hashable) -> Any:
        self._values.move_to_end(key)
        return self._values[key]

    def __setitem__(self, key: Hashable, value: Any) -> None:
        self._values[key] = value
        if len(self._values) > self._size:
            self._values.popitem(last=False)


class Session:
    """Answers requests. Explanations of the last captions are kept, so that going back costs nothing.

    Args:
        images: a picture, or a list of them, as `Album.add` takes.
        models: for the menu, as `ModelShelf` takes.
        fixed: arguments of `Explainer` that no control changes: ``fit``, ``reference``, ``freeze_norms``,
            ``readings``, ``integrated_gradients``.
        words: vocabularies beside the built-in ones, by name.
    """

    def __init__(
        self,
        images: Any,
        models: Sequence[str | ClipModel],
        fixed: Mapping[str, Any] | None = None,
        words: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.album = Album()
        for image in pictures_of(images):
            self.album.add(self.album.read(image))
        self.models = ModelShelf(models)
        self.fixed = dict(fixed or {})
        self._words = {name: Vocabulary(name, tuple(them)) for name, them in (words or {}).items()}
        self._explanations = Recent(EXPLANATIONS_KEPT)
        self._encoded = Recent(1)  # while a prompt is edited the picture stays

    def explain(self, request: Request, progress: Progress | None = None) -> list[Explanation]:
        """One explanation per prompt; only those not kept are made.

        Raises:
            ValueError, TypeError, ModelLoadError: as `Explainer` and `load` do.
        """
        keys = [replace(request, prompts=(caption,)) for caption in request.prompts]
        found = {key: self._explanations[key] for key in keys if key in self._explanations}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing or not keys:
            image = self.album[request.picture].source
            explainer = self._explainer(request, progress)
            captions = [key.prompts[0] for key in missing]
            encoded = self._encode(request, explainer, progress)
            made = explainer(encoded, captions, progress=progress)
            if isinstance(image, Image.Image):  # one picture in memory, not one per prompt
                made = [replace(e, image=image) for e in made]
            found.update(zip(missing, made, strict=True))
        for key in missing:
            self._explanations[key] = found[key]
        return [found[key] for key in keys]

    def free(self, name: str) -> None:
        """Drop a model from memory, as `ModelShelf.free` does, with all that keeps hold of it."""
        self._encoded = Recent(1)
        self.models.free(name)

    def seen(
        self, request: Request, vocabulary: str, region: Region, progress: Progress | None = None
    ) -> list[dict[str, Any]]:
        """The words that a region resembles most, as ``SeenWord`` in ``js/src/synced.ts``."""
        explainer = self._explainer(request, progress)
        words = self._vocabularies(request.model)[vocabulary]
        encoded = self._encode(request, explainer, progress)
        ranked = explainer.classify_region(encoded, region, words, _WORDS_SEEN, progress)
        return [{"word": w.word, "value": w.value} for w in ranked]

    def erased(
        self, request: Request, how: str, region: Region, progress: Progress | None = None
    ) -> dict[str, Any]:
        """What erasing a region does to the prompts' scores, as ``Erased`` in ``js/src/synced.ts``."""
        explainer = self._explainer(request, progress)
        (progress or unheard)("mask test", 0, None)
        image = explainer.clip.optics.picture(self.album[request.picture].source).image
        without = erase(image, region, how)
        scores = explainer.scores(without, request.prompts)
        return {"how": how, "image": display_image(without), "scores": [float(s) for s in scores]}

    def depth(
        self, request: Request, caption: str, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Maps of single blocks, as ``RawDepth`` in ``js/src/synced.ts``."""
        explainer = self._explainer(request, progress)
        image = self.album[request.picture].source
        return dict(to_raw_depth(explainer.depth(image, caption, progress)))

    def has_blocks(self, method: str) -> bool:
        """Whether there are maps of single blocks: the method goes block by block, as the model does."""
        blockwise = isinstance(get_method(method), BlockwiseMethod)
        return blockwise and not self.fixed.get("reference")

    def methods(self, model: str) -> list[dict[str, Any]]:
        """The methods that a model's towers allow, as ``_methods`` in ``js/src/synced.ts``."""
        clip = self.models.get(model)
        towers = (clip.image_tower, clip.text_tower)
        return [
            {"name": method.name, "label": method.label, "blocks": self.has_blocks(method.name)}
            for method in map(get_method, method_names())
            if not method.needs_query or all(tower.has_query for tower in towers)
        ]

    def resolutions(self, request: Request) -> list[int]:
        """Short sides to offer, in pixels: the model's own and finer ones; none where there is no choice."""
        clip = self.models.get(request.model)
        sized = isinstance(self.album[request.picture].source, Image.Image)
        if not (clip.optics.flexible and sized and self.fixed.get("fit") != "crop"):
            return []
        own, patch = min(clip.optics.image_size), max(clip.optics.patch_size)
        return [round(own * times / patch) * patch for times in _FINER]

    def vocabulary_names(self, model: str) -> list[str]:
        """Lists of words that a region can be asked about, the most fitting one first."""
        return list(self._vocabularies(model))

    def code(self, request: Request) -> str:
        """The call of `explore` that shows what was asked for."""
        source, path = self.models.source(request.model), self.album[request.picture].path
        prompts = request.prompts[0] if len(request.prompts) == 1 else list(request.prompts)
        asked = self.fixed | request.options(changed=True)
        options = f", options={asked!r}" if asked else ""
        return (
            f"gw.explore({repr(path) if path else 'image'}, {prompts!r}, "
            f"model={repr(source) if source else 'clip'}, method={request.method!r}{options})"
        )

    def _encode(
        self, request: Request, explainer: Explainer, progress: Progress | None
    ) -> EncodedImage:
        """The picture's pass through the image tower, kept while the image side stays as it is."""
        key = (request.model, request.picture, request.resolution, request.image_layers)
        if key not in self._encoded:
            image = self.album[request.picture].source
            self._encoded[key] = explainer.encode(image, progress)
        encoded: EncodedImage = self._encoded[key]
        return encoded

    def _explainer(self, request: Request, progress: Progress | None) -> Explainer:
        clip = self.models.get(request.model, progress)
        return Explainer(clip, request.method, **request.options(), **self.fixed)

    def _vocabularies(self, model: str) -> dict[str, Vocabulary]:
        return {**vocabularies(model), **self._words}
