"""A picture and its regions against the words of a vocabulary, which are encoded once for a model."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace
from ..clip.preprocessing import Picture
from ..core import regions
from ..core.progress import Progress
from ..core.regions import Region
from ..core.vocabulary import SeenWord, Vocabulary, VocabularyMaps
from ..methods import Method
from .encoded_image import EncodedImage

_BATCH = 128  # words mapped at once: bounds the memory of their gradients
_KEPT: WeakKeyDictionary[ClipModel, WeakKeyDictionary[Vocabulary, Tensor]] = WeakKeyDictionary()


def by_word(
    clip: ClipModel,
    method: Method,
    picture: Picture,
    trace: ImageTrace,
    vocabulary: Vocabulary,
    progress: Progress,
) -> VocabularyMaps:
    """All words of a vocabulary as directions through the explained blocks of a traced picture.

    Args:
        clip: the model, running.
        method: what explains.
        picture: that was traced.
        trace: its pass through the image tower.
        vocabulary: the words.
        progress: called at the stages "words" and, before every batch, "maps".
    """
    progress("words", 0, None)
    directions = word_embeddings(clip, vocabulary)
    maps: list[Tensor] = []
    for batch in directions.split(_BATCH):
        progress("maps", len(maps) * _BATCH, len(directions))
        maps.append(method.image_maps(trace, batch).float().cpu())
    return VocabularyMaps(
        tuple(vocabulary.words),
        torch.cat(maps).reshape(-1, *trace.grid).numpy(),
        _told_apart(directions, trace.embedding).cpu().numpy(),
        picture.image.size,
        picture.cover,
    )


def classify_region(
    clip: ClipModel,
    encoded: EncodedImage,
    region: Region,
    vocabulary: Vocabulary,
    count: int | None,
) -> list[SeenWord]:
    """Return the words of a vocabulary that a region of a picture resembles most, the best first.

    The region is seen as if the pooled token could look there and nowhere else. What the blocks before the
    last have carried into a patch from elsewhere, and into the pooled token, stays.

    Args:
        clip: the model, running.
        encoded: the picture's pass through the image tower.
        region: as in `Explanation.region_words`.
        vocabulary: the words.
        count: how many of them; all where ``None``.

    Returns:
        None at all where the model saw nothing of the region.

    Raises:
        ValueError: no such region.
    """
    picture, trace = encoded.picture, encoded.trace
    inside = regions.coverage(region, picture.image.size, trace.grid, picture.cover).ravel()
    if not inside.any():
        return []
    directions = word_embeddings(clip, vocabulary)
    x = trace.region_embedding(torch.from_numpy(inside).to(directions.device))
    scores = (directions @ x.to(directions)).float().cpu().numpy()
    order = np.argsort(-scores, kind="stable")[:count]
    return [SeenWord(vocabulary.words[k], float(scores[k])) for k in order]


def word_embeddings(clip: ClipModel, vocabulary: Vocabulary) -> Tensor:
    """Unit text embeddings (V, E) of a vocabulary's words in its template, on the model's device.

    Kept for as long as the model and the vocabulary are. They are those of the weights that the model had
    when it was first asked.
    """
    kept = _KEPT.setdefault(clip, WeakKeyDictionary())
    if vocabulary not in kept:
        tokenizer = clip.tokenizer
        kept[vocabulary] = clip.embed(
            [tokenizer.framed(tokenizer.encode(t)) for t in vocabulary.texts]
        )
    return kept[vocabulary].to(clip.device)


def _told_apart(directions: Tensor, x: Tensor) -> Tensor:
    """Lengths (K,) of directions (K, E) less their mean, at right angles to x."""
    apart = directions.float()
    if len(apart) > 1:
        apart = apart - apart.mean(0)
    beside = apart - (apart * x).sum(1, keepdim=True) * x
    lengths: Tensor = torch.linalg.vector_norm(beside, dim=1)
    return lengths
