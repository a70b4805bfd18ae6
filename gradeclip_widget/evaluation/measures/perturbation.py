"""Deletion and insertion: how the score follows when a picture or a caption loses or gains its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from ...core.errors import did_you_mean
from ...explain.explainer import Explainer
from ...explain.explanation import Explanation
from ...images.erase import ERASURES
from ..bootstrap import Values
from ..cases import Case, Row
from ..measure import Measure
from ..pointing import spread

FILLS = ERASURES  # contents that replace pixels
SOURCES = ("caption", "words")
_BLUR = 0.1  # radius of the blur, as a part of the longer side
_BATCH = 16  # pictures scored at a time

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class _Perturbation(Measure):
    """Base class of deletion and insertion, whose docstrings describe the fields."""

    fill: str = "noise"
    until: float = 0.5
    steps: int = 10
    source: Literal["caption", "words"] = "caption"

    inserts: ClassVar[bool]
    unit = "mean score relative to the whole picture's"
    requirement = "a picture and caption whose score is above 0"

    def __post_init__(self) -> None:
        """Check the options."""
        for name, value, known in (("fill", self.fill, FILLS), ("source", self.source, SOURCES)):
            if value not in known:
                listed = ", ".join(map(repr, known))
                hint = did_you_mean(str(value), known)
                raise ValueError(f"{name}={value!r}: use one of {listed}{hint}")
        if not 0 < self.until <= 1:
            raise ValueError(
                f"until={self.until}: give a part of the picture, above 0 and at most 1"
            )
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: give at least 1")

    @property
    def axis(self) -> tuple[str, Values]:
        """The part of the picture that is altered, (steps + 1,)."""
        what = "inserted" if self.inserts else "deleted"
        return f"part of the picture {what}", np.linspace(0, self.until, self.steps + 1)

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the area under the curve, as its mean height; nothing if the score is not above 0."""
        whole = _whole_score(case.scorer, case.explanation)
        if whole > 0:
            pairs = self._curve(case.scorer, case.explanation, whole, case.rng(), _BATCH)
            curve = np.array([score for _, score in pairs])
            yield Row(float((curve[1:] + curve[:-1]).mean() / 2), curve=curve)

    def curve(
        self, explainer: Explainer, explanation: Explanation, seed: int = 0, batch: int = 1
    ) -> Iterator[tuple[float, float]]:
        """Yield the points of one picture's curve as they are computed.

        >>> import gradeclip_widget as gw
        >>> scene, explainer = gw.demo.scenes()[0], gw.Explainer(gw.load("demo"))
        >>> explanation = explainer(scene.image, scene.caption)
        >>> [round(part, 2) for part, score in Deletion(steps=2).curve(explainer, explanation)]
        [0.0, 0.25, 0.5]

        Args:
            explainer: the explainer whose model scores the altered pictures.
            explanation: the explanation with the picture, the caption and the map.
            seed: seed of the noise.
            batch: number of altered pictures scored at a time.

        Yields:
            The part of the picture that is altered, and the score relative to the whole picture's.

        Raises:
            ValueError: the whole picture's score is not above 0.
        """
        whole = _whole_score(explainer, explanation)
        if whole <= 0:
            raise ValueError(
                f"the picture's score with {explanation.caption!r} is {whole:.3f}: a curve relative to it "
                "needs one above 0"
            )
        rng = np.random.default_rng(seed)
        yield from self._curve(explainer, explanation, whole, rng, batch)

    def _curve(
        self,
        explainer: Explainer,
        explanation: Explanation,
        whole: float,
        rng: np.random.Generator,
        batch: int,
    ) -> Iterator[tuple[float, float]]:
        parts = self.axis[1].tolist()
        pictures = self.pictures(explanation, rng)
        while some := list(islice(pictures, batch)):
            scores = picture_scores(explainer, some, explanation.caption)
            yield from zip(parts, (scores / whole).tolist(), strict=False)
            del parts[: len(some)]

    def pictures(self, explanation: Explanation, rng: np.random.Generator) -> Iterator[Image.Image]:
        """Yield the steps + 1 altered pictures; parts are of the pixels that the model saw."""
        e = explanation
        values = e.signed_map if self.source == "caption" else e.evidence_map
        before = np.asarray(e.image.convert("RGB"))
        filled = _filled(e.image.convert("RGB"), self.fill, rng)
        start, end = (filled, before) if self.inserts else (before, filled)
        height, width, _ = before.shape
        pixels = spread(values, height, width, e.cover, outside=-np.inf).ravel()
        # Pixels of equal value are altered in random order.
        shuffled = rng.permutation(pixels.size)
        order = shuffled[np.argsort(-pixels[shuffled], kind="stable")]
        order = order[: np.isfinite(pixels).sum()]  # pixels that the model did not see are last
        for part in self.axis[1]:
            altered = start.reshape(-1, 3).copy()
            highest = order[: round(part * len(order))]
            altered[highest] = end.reshape(-1, 3)[highest]
            yield Image.fromarray(altered.reshape(before.shape))


@dataclass(frozen=True)
class Deletion(_Perturbation):
    """Score while the pixels of a picture are replaced in the order of the map, the highest first.

    The score falls early if the map shows the pixels that it depends on. The paper replaces half of the
    picture in 100 steps by uniformly random colors and records every tenth, which is the same as ten steps of
    ten times the size. It records the accuracy of zero-shot classification; here it is the cosine similarity
    with the picture's caption, relative to that of the whole picture, so that all pictures have the same
    weight.

    Args:
        fill: ``"noise"``, uniformly random colors; ``"blur"``, the blurred picture; or ``"mean"``, its mean
            color.
        until: part of the picture that is replaced in the end, above 0 and at most 1.
        steps: number of steps.
        source: the map that orders the pixels: that of the whole ``"caption"``, as in the paper, or the
            evidence of all ``"words"``, which the widget shows first.

    Raises:
        ValueError: an option has an unknown value.

    Reference:
        Petsiuk et al., "RISE", BMVC 2018, section 4.2; as in Zhao et al., "Grad-ECLIP", ICML 2024.
    """

    name = "deletion"
    better = "lower"
    inserts = False


@dataclass(frozen=True)
class Insertion(_Perturbation):
    """Score while the pixels of a picture are inserted in the order of the map, the highest first.

    The reverse of `Deletion`, with the same arguments: it starts from the fill. The score rises early if the
    map shows the pixels that it depends on.
    """

    name = "insertion"
    better = "higher"
    inserts = True


def _whole_score(explainer: Explainer, explanation: Explanation) -> float:
    return float(picture_scores(explainer, [explanation.image], explanation.caption)[0])


def _filled(image: Image.Image, fill: str, rng: np.random.Generator) -> Pixels:
    """Return the pixels (height, width, 3) that replace those of a picture."""
    pixels = np.asarray(image)
    if fill == "blur":
        return np.asarray(image.filter(ImageFilter.GaussianBlur(_BLUR * max(image.size))))
    if fill == "mean":
        return np.broadcast_to(np.rint(pixels.mean((0, 1))).astype(np.uint8), pixels.shape)
    return rng.integers(0, 256, pixels.shape, np.uint8)


# Words

_PARTS = np.linspace(0, 0.5, 6)  # parts of a caption's words at which curves are interpolated


@dataclass(frozen=True)
class _WordPerturbation(Measure):
    """Base class of deletion and insertion of words, whose docstrings describe the field."""

    importance: str | None = "evidence"

    inserts: ClassVar[bool]
    unit = "mean score relative to the whole caption's"
    requirement = "a picture and a caption of two words or more whose score is above 0"

    @property
    def axis(self) -> tuple[str, Values]:
        """The part of the words that is altered, (6,)."""
        return f"part of the words {'inserted' if self.inserts else 'deleted'}", _PARTS

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the area under the curve, as its mean height; nothing if the score is not above 0."""
        (tokens,) = case.scorer.clip.tokens([case.example.caption])
        words = [n for n, word in enumerate(tokens.words) if word.tokens]
        if len(words) < 2:
            return
        values = case.explanation.importance(self.importance)
        # Words of equal importance are ordered at random.
        shuffled = case.rng().permutation(words)
        order = shuffled[np.argsort(-values[shuffled], kind="stable")].tolist()
        counts = range(1 if self.inserts else 0, (len(order) + 1) // 2 + 1)
        parts = [order[:count] if self.inserts else order[count:] for count in counts]
        sequences = [tokens.only(part) for part in (words, *parts)]
        whole, *scores = caption_scores(case.scorer, case.image, sequences)
        if whole > 0:
            curve = np.interp(_PARTS, np.array(counts) / len(order), np.array(scores) / whole)
            yield Row(float((curve[1:] + curve[:-1]).mean() / 2), curve=curve)


@dataclass(frozen=True)
class WordDeletion(_WordPerturbation):
    """Score while words are deleted from the caption, the most important first.

    Half of the words are deleted, each with the punctuation after it, and the words after it move up. The
    score falls early if the importance shows the words that it depends on. Captions have different numbers of
    words, so curves are interpolated linearly at every tenth of them.

    Args:
        importance: measure of a word's importance, as in `Explanation.importance`. The evidence depends on
            the method's maps; Shapley values and leave-one-out scores depend on the model only, and are the
            same for all methods. ``None`` is the explanation's default one.

    Reference:
        Zhao et al., "Grad-ECLIP: Gradient-based Visual and Textual Explanations for CLIP", arXiv 2502.18816,
        where words of COCO's captions are deleted and inserted.
    """

    name = "word deletion"
    better = "lower"
    inserts = False


@dataclass(frozen=True)
class WordInsertion(_WordPerturbation):
    """Score while words are inserted into the caption, the most important first.

    The reverse of `WordDeletion`, with the same argument. The words keep the caption's order. A caption
    without words has no score, so curves begin with the score of the first word.
    """

    name = "word insertion"
    better = "higher"
    inserts = True


# Scores of altered pictures and captions


def picture_scores(explainer: Explainer, images: Sequence[Image.Image], caption: str) -> Values:
    """Return the cosine similarities (K,) of K pictures of one size with a caption.

    Args:
        explainer: the explainer with the model, the fit and the resolution.
        images: the pictures.
        caption: the caption.
    """
    clip = explainer.clip
    (tokens,) = clip.tokens([caption])
    with clip.inference_context():
        text = clip.embed([clip.tokenizer.add_special_tokens(tokens.ids)])
        return _cosines(_embeddings(explainer, images), text).reshape(-1)


def caption_scores(
    explainer: Explainer, image: Image.Image, sequences: Sequence[Sequence[int]]
) -> Values:
    """Return the cosine similarities (K,) of a picture with K captions.

    Args:
        explainer: the explainer with the model, the fit and the resolution.
        image: the picture.
        sequences: the captions' token ids, without special tokens.
    """
    clip = explainer.clip
    with clip.inference_context():
        texts = clip.embed([clip.tokenizer.add_special_tokens(ids) for ids in sequences])
        return _cosines(_embeddings(explainer, [image]), texts).reshape(-1)


def _embeddings(explainer: Explainer, images: Sequence[Image.Image]) -> Tensor:
    """Return the unit embeddings (K, E) of K pictures of one size, within `inference_context`."""
    prepare, clip = explainer.clip.image_processor.prepare, explainer.clip
    pixels = [prepare(image, explainer.fit, explainer.resolution).pixels for image in images]
    return clip.image_tower.encode(clip.to_device(torch.cat(pixels)))


def _cosines(images: Tensor, texts: Tensor) -> Values:
    """Return the dot products (K, L) of unit embeddings (K, E) and (L, E)."""
    # Some devices have no 64-bit numbers.
    images, texts = (x.float().cpu().double() for x in (images, texts))
    values: Values = (images @ texts.T).numpy()
    return values
