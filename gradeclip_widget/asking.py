"""A picture's maps along the words of a vocabulary, whose embeddings are computed once for a model."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from .clip import ClipModel
from .clip.pictures import Picture
from .clip.towers import ImageTrace
from .methods import Method
from .progress import Progress
from .vocabulary import Vocabulary, VocabularyMaps

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
