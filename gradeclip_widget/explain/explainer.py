"""`Explainer`: from a picture and captions to explanations."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..clip import ClipModel
from ..clip.preprocessing import Fit
from ..clip.supported_models import advice
from ..clip.tokenizers.base import caption_list
from ..core.explanation_data import BlockMaps
from ..core.progress import ProgressOption, progress_of
from ..core.regions import Region
from ..core.vocabulary import SeenWord, Vocabulary, VocabularyMaps
from ..methods import check_towers, get_method
from ..methods.integrated_gradients import STEPS
from .assemble import explain, integrate
from .block_maps import block_maps
from .explanation import Explanation
from .setup import EncodedImage, ExplainSettings, Setup, cosines, encode_image, option
from .unrelated import unrelated_scores
from .vocabulary_maps import classify_region, vocabulary_maps

Pictures = list[Any] | tuple[Any, ...]


class Explainer:
    """Explains pictures with captions.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> gw.Explainer(gw.load("demo"))(scene.image, scene.caption).patch_grid
    (14, 14)
    >>> gw.Explainer(gw.load("demo", device="cpu"), "rise", method_options={"masks": 500}, fit="crop")
    Explainer(ClipModel('demo', 112 x 112 px, float32, cpu), 'rise', masks=500, fit='crop')

    Args:
        clip: the model.
        method: name of the method, one of `gradeclip_widget.methods.method_names`.
        method_options: the method's own options by name, such as ``{"masks": 500}`` of ``"rise"``.
        reference: compute as the authors' published code does, quirks included (one attention head of full
            width in the explained blocks, text weights normalized over padding, norms differentiated).
        freeze_norms: whether the scales of the text tower's last normalizations (the final norm and the unit
            embedding) are constants in the importance of tokens. If they are differentiated, as in the
            paper, shares of the score sum to about zero, and words that matter may have no importance
            (``docs/mathematics.md``). Always ``False`` with ``reference=True``.
        image_layers, text_layers: number of the last blocks to explain; a text tower with fewer blocks is
            explained in all of them. The default for text is 8, as in the authors' code; it is 2 if tokens
            attend in both directions (SigLIP), since each further block costs a pass for every token.
        fit: ``"whole"`` picture, the model's own ``"crop"``, or ``"squash"`` to a square.
        resolution: short side in pixels for finer maps; ``None`` for the model's own.
        readings: whether to compute the maps *alone* and *left out* of each word besides *in caption*, its
            Shapley value and the score without it. ``None`` is ``True``, but without these maps for methods
            that need long for each map.
        integrated_gradients: whether to attribute the score to tokens by integrated gradients too, which
            costs about twenty forward and backward passes of the caption through the text tower.

    Raises:
        ValueError: the method, an option or a value does not exist, or the towers have fewer blocks.

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024. The
        interactions of tokens with patches are this project's own; ``docs/mathematics.md`` derives them.
    """

    reference: bool = option("reference")
    freeze_norms: bool = option("freeze_norms")
    image_layers: int = option("image_layers")
    text_layers: int = option("text_layers")
    fit: Fit = option("fit")
    resolution: int | None = option("resolution")
    readings: bool = option("readings", of="_setup")
    method_options: Mapping[str, Any] = option("method_options", of="_setup")

    def __init__(
        self,
        clip: ClipModel,
        method: str = "grad-eclip",
        *,
        method_options: Mapping[str, Any] | None = None,
        reference: bool = False,
        freeze_norms: bool = True,
        image_layers: int = 1,
        text_layers: int | None = None,
        fit: Fit = "whole",
        resolution: int | None = None,
        readings: bool | None = None,
        integrated_gradients: bool = False,
    ) -> None:
        if not isinstance(clip, ClipModel):
            raise TypeError(f"Explainer takes a ClipModel, not {advice(clip)}")
        settings = ExplainSettings(
            reference=reference,
            freeze_norms=freeze_norms,
            image_layers=image_layers,
            text_layers=text_layers,
            fit=fit,
            resolution=resolution,
            readings=readings,
            integrated_gradients=integrated_gradients,
        ).resolve(clip.image_tower, clip.text_tower)
        self.clip, self.method = clip, get_method(method, reference, method_options)
        check_towers(self.method, clip.image_tower, clip.text_tower)
        self.method.bind(clip)
        self._setup = Setup(clip, self.method, settings, dict(method_options or {}))

    def __repr__(self) -> str:
        """Return one line: model, method, its options, and the options that are not the default."""
        defaults = asdict(ExplainSettings().resolve(self.clip.image_tower, self.clip.text_tower))
        changed = {name: v for name, v in self.options.items() if v != defaults[name]}
        options = {**self.method_options, **changed}
        values = [repr(self.method.name), *(f"{name}={v!r}" for name, v in options.items())]
        return f"{type(self).__name__}({self.clip!r}, {', '.join(values)})"

    @property
    def label(self) -> str:
        """The method's name for display."""
        return self._setup.label

    @property
    def options(self) -> dict[str, Any]:
        """The options as keywords, with the model's values in place of ``None``."""
        return asdict(self._setup.settings)

    def with_method(self, method: str, **method_options: Any) -> Explainer:
        """Return an explainer with the same model and options, and another method with its options."""
        return Explainer(self.clip, method, method_options=method_options, **self.options)

    def encode(self, image: Any, progress: ProgressOption = None) -> EncodedImage:
        """Run the image tower on a picture once, for any number of captions; errors are those of `__call__`.

        >>> import gradeclip_widget as gw
        >>> encoded = gw.Explainer(gw.load("demo")).encode(gw.demo.scenes()[0].image)

        Args:
            image: as in `__call__`.
            progress: called at the stage "image tower".
        """
        return encode_image(self._setup, image, progress_of(progress))

    def _encoded(self, image: Any, progress: ProgressOption = None) -> EncodedImage:
        """Return an encoded picture: encode it, or check one that `encode` returned."""
        if not isinstance(image, EncodedImage):
            return self.encode(image, progress)
        image.check(self._setup)
        return image

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is a sequence of str as well
        self, image: Pictures, captions: str | Tensor, progress: ProgressOption = None
    ) -> list[Explanation]: ...
    @overload
    def __call__(
        self, image: Pictures, captions: Sequence[str], progress: ProgressOption = None
    ) -> list[list[Explanation]]: ...
    @overload
    def __call__(
        self, image: Any, captions: str | Tensor, progress: ProgressOption = None
    ) -> Explanation: ...
    @overload
    def __call__(
        self, image: Any, captions: Sequence[str], progress: ProgressOption = None
    ) -> list[Explanation]: ...

    def __call__(
        self,
        image: Any,
        captions: str | Sequence[str] | Tensor,
        progress: ProgressOption = None,
    ) -> Explanation | list[Explanation] | list[list[Explanation]]:
        """Explain a picture, or each of several, with one caption or several.

        Args:
            image: path, web address, bytes, open file, PIL image, array, tensor (3, H, W) or (1, 3, H, W),
                normalized or not, or what `encode` made of one; or a list of these.
            captions: a caption, a list of captions, or token ids (1, context length).
            progress: ``True`` for a progress bar, or a callback: called at "tokens", "image tower", "maps"
                and the stages of the method. An exception that it raises ends the work.

        Returns:
            One explanation; a list for a list of captions; for a list of pictures, a list of the results for
            each. The image tower runs once for every picture.

        Raises:
            TypeError: a picture is of another kind, or a caption is not a string.
            ValueError: a picture cannot be read, does not fit the model, or was encoded by another model or
                with other image-side options; or a caption has no words.
            FileNotFoundError, ConnectionError, TimeoutError: there is no picture at the path or address.
        """
        (listed, single), report = caption_list(captions), progress_of(progress)
        report("tokens", 0, None)
        tokens = self.clip.tokens(listed)

        def of(one: Any) -> Any:
            start, encoded = time.perf_counter(), self._encoded(one, report)
            explanations = explain(self._setup, encoded, tokens, report, start)
            return explanations[0] if single else explanations

        return _for_each(image, of) if isinstance(image, list | tuple) else of(image)

    def integrated_gradients(
        self, image: Any, caption: str | Tensor, *, steps: int = STEPS
    ) -> NDArray[np.float32]:
        """Attribute the score to a caption's tokens by integrated gradients over their embeddings.

        The path starts at the caption with zero embeddings of its own tokens. The attributions (T,) sum to
        the difference of the scores at its ends; more steps make the sum more exact.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.scenes()[0]
        >>> gw.Explainer(gw.load("demo")).integrated_gradients(scene.image, "a tree").shape
        (2,)

        Args:
            image: as in `__call__`.
            caption: a single caption, or token ids (1, context length).
            steps: number of points on the path, at least one.
        """
        return integrate(self._setup, self._encoded(image), caption, steps)

    def scores(self, image: Any, captions: Sequence[str]) -> NDArray[np.float32]:
        """Return the cosine similarities (K,) of a picture with K captions, without computing maps.

        They equal `Explanation.score`. Errors are those of `__call__`.

        Args:
            image: as in `__call__`, not yet encoded.
            captions: one or more.
        """
        return cosines(self._setup, image, self.clip.tokens(caption_list(captions)[0]))

    def unrelated_scores(
        self, image: Any, caption: str, progress: ProgressOption = None
    ) -> NDArray[np.float32]:
        """Return the cosine similarities (K,) of a picture with unrelated sentences, ascending.

        A caption whose score is not higher than theirs does not match the picture. There are 200 sentences;
        those that share a word with the caption are left out. Their embeddings are computed once for a model
        and stored in the user's cache folder. Errors are those of `__call__`.

        >>> import gradeclip_widget as gw
        >>> scene, explainer = gw.demo.scenes()[0], gw.Explainer(gw.load("demo"))
        >>> unrelated = explainer.unrelated_scores(scene.image, scene.caption)
        >>> bool(explainer(scene.image, scene.caption).score > unrelated.max())
        True

        Args:
            image: as in `__call__`.
            caption: the caption, which shares no content word with the sentences.
            progress: called at the stages "image tower" and "unrelated sentences".
        """
        encoded = self._encoded(image, progress)
        return unrelated_scores(encoded, caption, progress_of(progress))

    def with_unrelated_scores(
        self, explanation: Explanation, image: Any, progress: ProgressOption = None
    ) -> Explanation:
        """Return an explanation with the scores of `unrelated_scores`; arguments and errors are the same."""
        scores = self.unrelated_scores(image, explanation.caption, progress)
        return replace(explanation, unrelated_scores=scores)

    def vocabulary_maps(
        self, image: Any, vocabulary: Vocabulary, progress: ProgressOption = None
    ) -> VocabularyMaps:
        """Return the maps of a picture for every word of a vocabulary.

        The words' text embeddings are kept as long as the model and the vocabulary exist. Errors are those
        of `__call__`.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> words = gw.vocabularies("demo")["demo"]
        >>> maps = gw.Explainer(gw.load("demo")).vocabulary_maps(scene.image, words)
        >>> maps.maps.shape
        (154, 14, 14)
        >>> len(maps.rank(scene.objects[0].box, count=5))
        5

        Args:
            image: as in `__call__`, not yet encoded.
            vocabulary: one of `vocabularies`, or any other.
            progress: called at the stages "image tower", "words" and, before every batch of words, "maps".
        """
        return vocabulary_maps(self._setup, image, vocabulary, progress_of(progress))

    def classify_region(
        self,
        image: Any,
        region: Region,
        vocabulary: Vocabulary,
        count: int | None = 12,
        progress: ProgressOption = None,
    ) -> list[SeenWord]:
        """Return the words that are most similar to a region of a picture, the best first.

        This is zero-shot classification of the region: in the last block the model's pooled token attends
        only to the region. Only one row passes through that block, so a further region of an encoded picture
        is cheap. Errors are those of `__call__` and of `Explanation.region_words`.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> words = gw.vocabularies("demo")["demo"]
        >>> gw.Explainer(gw.load("demo")).classify_region(scene.image, scene.objects[0].box, words)[0].word
        'dog'

        Args:
            image: as in `__call__`.
            region: as in `Explanation.region_words`.
            vocabulary: one of `vocabularies`, or any other.
            count: number of words; ``None`` for all.
            progress: called at the stages "image tower" and "words".

        Returns:
            The words; an empty list if the model did not see the region, with a warning.
        """
        encoded = self._encoded(image, progress)
        return classify_region(encoded, region, vocabulary, count, progress_of(progress))

    def block_maps(self, image: Any, caption: str, progress: ProgressOption = None) -> BlockMaps:
        """Return the maps of a caption and its words in every single block of both towers.

        A tower without several blocks to explain (a pooling head, a feature map, averaged tokens) has one.

        Args:
            image: as in `__call__`, not yet encoded.
            caption: a single caption.
            progress: called at the stages "image tower" and "maps".

        Raises:
            ValueError: the method has no blocks; or as in `__call__`.
        """
        return block_maps(self._setup, image, caption, progress_of(progress))


def _for_each(pictures: Pictures, work: Callable[[Any], Any]) -> list[Any]:
    """Return a function's results for several pictures, in order; a note on an error numbers the picture.

    Raises:
        ValueError: the list is empty.
    """
    if not pictures:
        raise ValueError("the list of pictures is empty; give at least one")
    results = []
    for n, picture in enumerate(pictures, 1):
        try:
            results.append(work(picture))
        except (TypeError, ValueError, OSError) as error:
            error.add_note(f"This was picture {n} of {len(pictures)}.")
            raise
    return results
