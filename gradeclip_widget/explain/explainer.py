"""From a picture and captions to explanations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace, check_layers
from ..clip.preprocessing import Fit, Picture
from ..core.block_maps import Depth
from ..core.progress import Progress, unheard
from ..core.regions import Region
from ..core.vocabulary import SeenWord, Vocabulary, VocabularyMaps
from ..methods import get_method
from ..methods.integrated_gradients import STEPS
from .assemble import explain, integrated
from .block_maps import by_block
from .encoded_image import EncodedImage
from .explanation import Explanation
from .vocabulary_maps import by_word, classify_region


class Explainer:
    """Explains pictures with captions.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> gw.Explainer(gw.load("demo"))(scene.image, scene.caption).patch_grid
    (14, 14)

    Args:
        clip: the model.
        method: ``"grad-eclip"``, ``"grad-cam"`` or ``"self-attention"``.
        reference: compute as the authors' published code does, quirks included (one attention head of full
            width in the explained blocks, text weights normalised over padding, norms differentiated).
        freeze_norms: whether the importance of tokens holds the scales of the text tower's last
            normalizations, the final norm's and the unit embedding's, at their values. Where they are
            differentiated, as in the paper, shares of the score sum to about nothing, and words that matter
            may have no importance at all (``docs/mathematics.md``). Maps are the same either way. Always
            ``False`` with ``reference=True``.
        image_layers, text_layers: how many of the last blocks to explain; a text tower with fewer blocks is
            explained in all of them. By default of text 8, as the authors do; 2 where tokens read each
            other both ways (SigLIP), since further ones cost a pass for every token.
        fit: ``"whole"`` picture, the model's own ``"crop"``, or ``"squash"`` to a square.
        resolution: short side in pixels for finer maps; the model's own when ``None``.
        readings: whether to compute a word's maps *alone* and *left out* besides *in caption*, and what the
            score loses without it.
        integrated_gradients: whether to attribute the score to tokens by integrated gradients too, which
            costs some twenty passes of the caption through the text tower, there and back.

    Raises:
        ValueError: no such method, or a number of blocks that the towers do not have.

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024. The
        interactions of tokens with patches are this project's own; ``docs/mathematics.md`` derives them.
    """

    def __init__(
        self,
        clip: ClipModel,
        method: str = "grad-eclip",
        *,
        reference: bool = False,
        freeze_norms: bool = True,
        image_layers: int = 1,
        text_layers: int | None = None,
        fit: Fit = "whole",
        resolution: int | None = None,
        readings: bool = True,
        integrated_gradients: bool = False,
    ) -> None:
        if not isinstance(clip, ClipModel):
            raise TypeError(
                f"Explainer takes a ClipModel (gw.load(...)), not {type(clip).__name__}"
            )
        check_layers(image_layers, clip.image_tower.depth)
        if text_layers is not None and text_layers < 1:
            raise ValueError(f"text_layers={text_layers}: give at least 1")
        self.clip = clip
        self.method = get_method(method, reference)
        self.method.check_towers(clip.image_tower, clip.text_tower)
        self.reference = reference
        self.freeze_norms = freeze_norms and not reference
        self.image_layers = image_layers
        self.text_layers = min(text_layers or clip.text_tower.usual_layers, clip.text_tower.depth)
        self.fit = fit
        self.resolution = resolution
        self.readings = readings
        self._integrate = integrated_gradients

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with beside the model and the method."""
        names = "reference freeze_norms image_layers text_layers fit resolution readings".split()
        options = {name: getattr(self, name) for name in names}
        return options | {"integrated_gradients": self._integrate}

    def with_method(self, method: str) -> Explainer:
        """The same explainer with another method."""
        return Explainer(self.clip, method, **self.options)

    def encode(self, image: Any, progress: Progress | None = None) -> EncodedImage:
        """A picture's pass through the image tower, which every further caption then does without.

        >>> import gradeclip_widget as gw
        >>> explainer = gw.Explainer(gw.load("demo"))
        >>> seen = explainer.encode(gw.demo.scenes()[0].image)
        >>> [explainer(seen, caption).caption for caption in ("a tree", "a bicycle")]
        ['a tree', 'a bicycle']

        Args:
            image: as in `__call__`.
            progress: called at the stage "image tower".

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named.
        """
        picture = self.clip.optics.picture(image, self.fit, self.resolution)
        (progress or unheard)("image tower", 0, None)
        with self.clip.running():
            trace = self._trace(picture)
            x = trace.embedding
            if self.reference:  # the authors' text side takes the model's own image embedding
                pixels = self.clip.to_device(picture.pixels)
                x = self.clip.image_tower.trace(pixels, effects=False).embedding
        return EncodedImage(picture, trace, x, self._image_side)

    def _encoded(self, image: Any, progress: Progress | None = None) -> EncodedImage:
        """What `encode` makes of a picture, or what it made before, checked."""
        seen = image if isinstance(image, EncodedImage) else self.encode(image, progress)
        if seen.settings != self._image_side:
            raise ValueError(
                "the picture was encoded by another model or with another reference, image_layers, fit or "
                "resolution; encode it with this explainer"
            )
        return seen

    @property
    def _image_side(self) -> tuple[Any, ...]:
        return self.clip, self.reference, self.image_layers, self.fit, self.resolution

    @overload
    def __call__(
        self, image: Any, captions: str | Tensor, progress: Progress | None = None
    ) -> Explanation: ...
    @overload
    def __call__(
        self, image: Any, captions: Sequence[str], progress: Progress | None = None
    ) -> list[Explanation]: ...

    def __call__(
        self,
        image: Any,
        captions: str | Sequence[str] | Tensor,
        progress: Progress | None = None,
    ) -> Explanation | list[Explanation]:
        """Explain a picture with one caption or several.

        Args:
            image: path, encoded bytes, PIL image, array, an already normalised tensor (1, 3, H, W), or what
                `encode` made of one.
            captions: a caption, a list of captions, or token ids (1, context length).
            progress: called at the stages "tokens", "image tower" and, before every caption, "maps"; an
                exception that it raises ends the work and passes through.

        Returns:
            One explanation, or a list of them for a list. The image tower runs once.

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named; or a picture that was encoded by
                another model or with other options of the image side.
        """
        start = time.perf_counter()
        report = progress or unheard
        single = isinstance(captions, str | Tensor)
        report("tokens", 0, None)
        tokens = self.clip.tokens([captions] if isinstance(captions, str | Tensor) else captions)
        seen = self._encoded(image, progress)
        with self.clip.running():
            out = []
            for n, one in enumerate(tokens):
                report("maps", n, len(tokens))
                out.append(explain(self, seen, one, start))
                start = time.perf_counter()
        return out[0] if single else out

    def integrated_gradients(
        self, image: Any, caption: str | Tensor, *, steps: int = STEPS
    ) -> NDArray[np.float32]:
        """Attribute the score to a caption's tokens by integrated gradients over their embeddings.

        The path starts at the caption with the embeddings of all its own tokens at zero; the attributions
        (T,) sum to what the score gains along it, the more exactly the more steps.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.scenes()[0]
        >>> gw.Explainer(gw.load("demo")).integrated_gradients(scene.image, "a tree").shape
        (2,)

        Args:
            image: as in `__call__`.
            caption: one, or token ids (1, context length).
            steps: points on the path.

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named; or fewer than one step.
        """
        (tokens,) = self.clip.tokens([caption])
        seen = self._encoded(image)
        with self.clip.running():
            attributions = integrated(self.clip, seen.trace, tokens, steps)
        values: NDArray[np.float32] = attributions.float().cpu().numpy()
        return values

    def scores(self, image: Any, captions: Sequence[str]) -> NDArray[np.float32]:
        """Cosine similarities (K,) of a picture with K captions, as `Explanation.score`, without maps.

        Args:
            image: as in `__call__`.
            captions: one or more.

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named.
        """
        tokens = self.clip.tokens(captions)
        picture = self.clip.optics.picture(image, self.fit, self.resolution)
        with self.clip.running():
            x = self._trace(picture, effects=False).embedding
            texts = self.clip.embed([self.clip.tokenizer.framed(t.ids) for t in tokens])
            cosines: NDArray[np.float32] = (texts @ x.to(texts)).float().cpu().numpy()
        return cosines

    def vocabulary_maps(
        self, image: Any, vocabulary: Vocabulary, progress: Progress | None = None
    ) -> VocabularyMaps:
        """Maps of a picture along every word of a vocabulary.

        The words are encoded once for a model, as long as both are kept.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> seen = gw.Explainer(gw.load("demo")).vocabulary_maps(scene.image, gw.vocabularies("demo")["demo"])
        >>> seen.maps.shape
        (154, 14, 14)
        >>> len(seen.rank(scene.objects[0].box, count=5))
        5

        Args:
            image: as in `__call__`.
            vocabulary: of `vocabularies`, or one's own.
            progress: called at the stages "image tower", "words" and, before every batch of words, "maps".

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named.
        """
        report = progress or unheard
        picture = self.clip.optics.picture(image, self.fit, self.resolution)
        report("image tower", 0, None)
        with self.clip.running():
            trace = self._trace(picture, effects=False)
            return by_word(self.clip, self.method, picture, trace, vocabulary, report)

    def classify_region(
        self,
        image: Any,
        region: Region,
        vocabulary: Vocabulary,
        count: int | None = 12,
        progress: Progress | None = None,
    ) -> list[SeenWord]:
        """Return the words that a region of a picture resembles most, the best first.

        It is zero-shot classification of the region: the model's pooled token reads the region and nothing
        else of the picture. Needs one row through the last block, so a region costs next to nothing once the
        picture is encoded and the words are.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> words = gw.vocabularies("demo")["demo"]
        >>> gw.Explainer(gw.load("demo")).classify_region(scene.image, scene.objects[0].box, words)[0].word
        'dog'

        Args:
            image: as in `__call__`.
            region: as in `Explanation.region_words`.
            vocabulary: of `vocabularies`, or one's own.
            count: how many words; all where ``None``.
            progress: called at the stages "image tower" and "words".

        Returns:
            None at all where the model saw nothing of the region.

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named.
        """
        encoded = self._encoded(image, progress)
        (progress or unheard)("words", 0, None)
        with self.clip.running():
            return classify_region(self.clip, encoded, region, vocabulary, count)

    def depth(self, image: Any, caption: str, progress: Progress | None = None) -> Depth:
        """Maps of a caption and its words in every block by itself, of both towers.

        A tower without several blocks to explain (a pooling head, a feature map, averaged tokens) has one.

        Args:
            image: as in `__call__`.
            caption: one.
            progress: called at the stages "image tower" and "maps".

        Raises:
            TypeError, ValueError, FileNotFoundError: bad input, named; or a method without blocks.
        """
        (tokens,) = self.clip.tokens([caption])
        picture = self.clip.optics.picture(image, self.fit, self.resolution)
        layers = self.image_layers, self.text_layers
        report = progress or unheard
        return by_block(
            self.clip, self.method, picture, tokens, *layers, report, freeze_norms=self.freeze_norms
        )

    def _trace(self, picture: Picture, *, effects: bool = True) -> ImageTrace:
        """The picture's pass through the image tower, its explained blocks traced."""
        pixels = self.clip.to_device(picture.pixels)
        return self.clip.image_tower.trace(
            pixels, self.image_layers, single_head=self.reference, effects=effects
        )

    @property
    def label(self) -> str:
        """What to call the method where it is shown."""
        pooled = self.method.name == "grad-eclip" and not self.clip.image_tower.has_query
        return f"{self.method.label} (pooled)" if pooled else self.method.label
