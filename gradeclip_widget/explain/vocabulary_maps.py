"""Maps and scores of a picture and its regions for the words of a vocabulary."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..clip import ClipModel
from ..core import regions
from ..core.progress import Progress
from ..core.regions import Region
from ..core.vocabulary import SeenWord, Vocabulary, VocabularyMaps
from ..methods import METHODS, Method
from .setup import EncodedImage, Setup

_BATCH = 128  # words mapped at once, to limit the memory of their gradients
_FEW = 20  # maximum number of words with a method that runs an optimization for every text
# For each model: its version, and the embeddings of that version.
_Cache = tuple[object, WeakKeyDictionary[Vocabulary, Tensor]]
_CACHE: WeakKeyDictionary[ClipModel, _Cache] = WeakKeyDictionary()


def vocabulary_maps(
    setup: Setup, image: Any, vocabulary: Vocabulary, progress: Progress
) -> VocabularyMaps:
    """Return the maps of a picture for every word of a vocabulary; see `Explainer.vocabulary_maps`."""
    _check_cost(setup.method, len(vocabulary.words))
    picture = setup.picture(image)
    progress("image tower", 0, None)
    with setup.clip.inference_context():
        trace = setup.trace(picture, contributions=False)
        progress("words", 0, None)
        directions = word_embeddings(setup.clip, vocabulary)
        maps: list[Tensor] = []
        for batch in directions.split(_BATCH):
            progress("maps", len(maps) * _BATCH, len(directions))
            maps.append(setup.method.image_maps(trace, batch, progress).float().cpu())
        norms = residual_norms(directions, trace.embedding).cpu().numpy()
    return VocabularyMaps(
        tuple(vocabulary.words),
        torch.cat(maps).reshape(-1, *trace.grid).numpy(),
        norms,
        picture.image.size,
        picture.cover,
    )


def _check_cost(method: Method, words: int) -> None:
    """Raise ``ValueError`` if a method would need very long for a vocabulary."""
    if method.per_text and words > _FEW:
        faster = next(m.name for m in METHODS if not m.per_text)
        raise ValueError(
            f"method={method.name!r} runs an optimization for every text, and this vocabulary "
            f"has {words} words; give at most {_FEW}, or use method={faster!r}"
        )


def classify_region(
    encoded: EncodedImage,
    region: Region,
    vocabulary: Vocabulary,
    count: int | None,
    progress: Progress,
) -> list[SeenWord]:
    """Return the words of a vocabulary that are most similar to a region of a picture, the best first.

    In the last block the pooled token attends only to the region's patches. These patches and the pooled
    token still contain information about the rest of the picture, from earlier blocks.

    Args:
        encoded: the picture's pass through the image tower.
        region: as in `Explanation.region_words`.
        vocabulary: the words.
        count: number of words; ``None`` for all.
        progress: called at the stage "words".

    Returns:
        The words; an empty list if the model did not see the region.

    Raises:
        ValueError: as `Explanation.region_words`.

    Warns:
        RegionWarning: the model did not see the region, or only a part of it.
    """
    clip, picture, trace = encoded.setup.clip, encoded.picture, encoded.trace
    progress("words", 0, None)
    inside = regions.seen_coverage(region, picture.image.size, trace.grid, picture.cover).ravel()
    if np.isnan(inside).any():
        return []
    with clip.inference_context():
        encoded.check_version()
        directions = word_embeddings(clip, vocabulary)
        x = trace.region_embedding(torch.from_numpy(inside).to(directions.device))
        scores = (directions @ x.to(directions)).float().cpu().numpy()
    order = np.argsort(-scores, kind="stable")[:count]
    return [SeenWord(vocabulary.words[k], float(scores[k])) for k in order]


def word_embeddings(clip: ClipModel, vocabulary: Vocabulary) -> Tensor:
    """Return unit text embeddings (V, E) of a vocabulary's words in its template, on the model's device.

    They are computed on the first call for a model and a vocabulary, and kept until the model changes or one
    of them is deleted. Call it inside `ClipModel.inference_context`.
    """
    version, cached = _CACHE.get(clip, (None, None))
    if cached is None or version is not clip.version:
        cached = WeakKeyDictionary()
        _CACHE[clip] = clip.version, cached
    if vocabulary not in cached:
        tokenizer = clip.tokenizer
        cached[vocabulary] = clip.embed(
            [tokenizer.add_special_tokens(tokenizer.encode(t)) for t in vocabulary.texts]
        )
    return cached[vocabulary].to(clip.device)


def residual_norms(embeddings: Tensor, x: Tensor) -> Tensor:
    """Return the norm (K,) of each text embedding after removing the list's mean and the image's direction.

    Args:
        embeddings: (K, E) unit text embeddings. The mean of several is subtracted.
        x: (E,) unit image embedding. The component along it is removed: a unit embedding cannot move along
            it.
    """
    residuals = embeddings.float()
    if len(residuals) > 1:
        residuals = residuals - residuals.mean(0)
    residuals = residuals - (residuals * x).sum(1, keepdim=True) * x
    norms: Tensor = torch.linalg.vector_norm(residuals, dim=1)
    return norms
