"""Embeddings of vocabularies, computed once for a model."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import Tensor

from ..vocabulary import Vocabulary
from .model import ClipModel

_KEPT: WeakKeyDictionary[ClipModel, WeakKeyDictionary[Vocabulary, Tensor]] = WeakKeyDictionary()


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
