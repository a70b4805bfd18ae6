"""From a picture and captions to explanations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .asking import by_word
from .clip import ClipModel
from .clip.blocks import check_layers
from .clip.pictures import Fit, Picture
from .clip.tokens import Tokens
from .clip.towers import ImageTrace, TextTrace
from .depth import Depth, by_block, token_importance
from .encoded import EncodedImage
from .explanation import Explanation
from .methods import get_method
from .notes import notes_on
from .progress import Progress, unheard
from .vocabulary import Vocabulary, VocabularyMaps
from .words import Word

_ALONE = "a photo of a {}"


class Explainer:
    """Explains pictures with captions.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> e = gw.Explainer(gw.load("demo"))(scene.image, scene.caption)
    >>> e.patch_grid
    (14, 14)

    Args:
        clip: the model.
        method: ``"grad-eclip"``, ``"grad-cam"`` or ``"self-attention"``.
        reference: compute as the authors' published code does, quirks included (one attention head of full
            width in the explained blocks, text weights normalised over padding).
        image_layers, text_layers: how many of the last blocks to explain; a text tower with fewer blocks is
            explained in all of them. By default of text 8, as the authors do; 2 where tokens read each
            other both ways (SigLIP), since further ones cost a pass for every token.
        fit: ``"whole"`` picture, the model's own ``"crop"``, or ``"squash"`` to a square.
        resolution: short side in pixels for finer maps; the model's own when ``None``.
        readings: whether to compute a word's maps *alone* and *left out* besides *in caption*.

    Raises:
        ValueError: no such method, or a number of blocks that the towers do not have.

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024. The
        interactions of tokens with patches are this project's own; the README derives them.
    """

    def __init__(
        self,
        clip: ClipModel,
        method: str = "grad-eclip",
        *,
        reference: bool = False,
        image_layers: int = 1,
        text_layers: int | None = None,
        fit: Fit = "whole",
        resolution: int | None = None,
        readings: bool = True,
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
        for side, tower in (("image", clip.image_tower), ("text", clip.text_tower)):
            if self.method.needs_query and not tower.has_query:
                raise ValueError(
                    f"method={method!r} shows what a query attends to, and this model's {side} tower "
                    f"({tower.family}) has none; use 'grad-eclip' or 'grad-cam'"
                )
        if reference and not (clip.image_tower.in_reference and clip.text_tower.in_reference):
            raise ValueError(
                "reference=True computes as the authors' code does, which knows vision transformers with a "
                "class token and causal text transformers pooled at EOT only; this model's towers: "
                f"{clip.image_tower.family}; {clip.text_tower.family}"
            )
        self.reference = reference
        self.image_layers = image_layers
        self.text_layers = min(text_layers or clip.text_tower.usual_layers, clip.text_tower.depth)
        self.fit = fit
        self.resolution = resolution
        self.readings = readings

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with beside the model and the method."""
        names = ("reference", "image_layers", "text_layers", "fit", "resolution", "readings")
        return {name: getattr(self, name) for name in names}

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
        seen = image if isinstance(image, EncodedImage) else self.encode(image, progress)
        if seen.settings != self._image_side:
            raise ValueError(
                "the picture was encoded by another model or with another reference, image_layers, fit or "
                "resolution; encode it with this explainer"
            )
        with self.clip.running():
            out = []
            for n, one in enumerate(tokens):
                report("maps", n, len(tokens))
                parts = self._explain(seen, one)
                now = time.perf_counter()
                out.append(self._package(seen, one, parts, now - start))
                start = now
        return out[0] if single else out

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
        """Maps of a picture along every word of a vocabulary, to ask its regions what the model sees there.

        The words are encoded once for a model, as long as both are kept.

        >>> import gradeclip_widget as gw
        >>> scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
        >>> seen = gw.Explainer(gw.load("demo")).vocabulary_maps(scene.image, gw.vocabularies("demo")["demo"])
        >>> seen.maps.shape
        (229, 14, 14)
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
        return by_block(self.clip, self.method, picture, tokens, *layers, progress or unheard)

    def _trace(self, picture: Picture, *, effects: bool = True) -> ImageTrace:
        """The picture's pass through the image tower, its explained blocks traced."""
        pixels = self.clip.to_device(picture.pixels)
        return self.clip.image_tower.trace(
            pixels, self.image_layers, single_head=self.reference, effects=effects
        )

    def _explain(self, seen: EncodedImage, tokens: Tokens) -> dict[str, Tensor]:
        """Everything that the towers have to say, on the model's device."""
        trace, x = seen.trace, seen.embedding
        tower, frame = self.clip.text_tower, self.clip.tokenizer.framed
        words = [w for w in tokens.words if w.tokens] if self.readings else []
        sequences = [frame(tokens.ids)]
        sequences += [frame(self.clip.tokenizer.encode(_ALONE.format(w.text))) for w in words]
        sequences += [frame(_without(tokens.ids, w)) for w in words]
        # Under autocast a pass of their own takes them in full precision.
        moves = None if self.reference or self.clip.dtype else self.method.moves()
        embeddings, text = tower.run(sequences, self.text_layers, self.clip.tokenizer.frame, moves)
        caption, alone, without = embeddings.split([1, len(words), len(words)])
        if self.reference:
            text = tower.trace(sequences[0], self.text_layers, single_head=True)
        shares = self.method.token_shares(text)
        directions = torch.cat([caption, shares.to(caption), alone, caption - without])
        maps = self.method.image_maps(trace, directions)
        whole, interactions, *readings = maps.split([1, len(shares), len(words), len(words)])
        return {
            "score": trace.embedding @ caption[0],
            "signed_map": whole[0],
            "interactions": interactions,
            "importance": token_importance(shares, x),
            "alone": readings[0],
            "left_out": readings[1],
            "word_effects": (caption - without) @ trace.embedding,
            "image_blocks": trace.block_effects.to(caption) @ caption[0],
            "text_blocks": self._text_blocks(text, x),
        }

    @staticmethod
    def _text_blocks(text: TextTrace, x: Tensor) -> Tensor:
        return text.block_effects.to(x) @ x

    def _package(
        self,
        seen: EncodedImage,
        tokens: Tokens,
        parts: dict[str, Tensor],
        seconds: float,
    ) -> Explanation:
        picture, grid = seen.picture, seen.trace.grid
        arrays = {name: part.float().cpu().numpy() for name, part in parts.items()}
        for name in ("signed_map", "interactions", "alone", "left_out"):
            arrays[name] = arrays[name].reshape(*arrays[name].shape[:-1], *grid)
        rows = {
            name: _spread_rows(arrays[name], tokens.words) if self.readings else None
            for name in ("alone", "left_out", "word_effects")
        }
        limit = self.clip.text_tower.context_length
        blocks = arrays["image_blocks"], arrays["text_blocks"]
        notes = notes_on(tokens.words, limit, blocks, (self.image_layers, self.text_layers))
        return Explanation(
            image=picture.image,
            caption=tokens.caption,
            words=tokens.words,
            tokens=tokens.pieces,
            score=float(arrays["score"]),
            logit_scale=self.clip.logit_scale,
            logit_bias=self.clip.logit_bias,
            signed_map=arrays["signed_map"],
            interactions=arrays["interactions"],
            token_importance=arrays["importance"],
            alone=rows["alone"],
            left_out=rows["left_out"],
            cover=picture.cover,
            image_block_shares=arrays["image_blocks"],
            text_block_shares=arrays["text_blocks"],
            image_layers=self.image_layers,
            text_layers=self.text_layers,
            model=self.clip.name,
            method=self._label(),
            reference=self.reference,
            notes=(*picture.notes, *notes),
            seconds=seconds,
            word_effects=rows["word_effects"],
        )

    def _label(self) -> str:
        pooled = self.method.name == "grad-eclip" and not self.clip.image_tower.has_query
        return f"{self.method.label} (pooled)" if pooled else self.method.label


def _without(ids: Sequence[int], word: Word) -> list[int]:
    """The caption's tokens without a word's, so that what was cut off may move up."""
    gone = set(word.tokens)
    return [i for n, i in enumerate(ids) if n not in gone]


def _spread_rows(rows: NDArray[np.float32], words: Sequence[Word]) -> NDArray[np.float32]:
    """Rows of the words that have tokens, with rows of zeros for the others."""
    out = np.zeros((len(words), *rows.shape[1:]), np.float32)
    out[[n for n, w in enumerate(words) if w.tokens]] = rows
    return out
