"""What a caption's tokens contribute to its embedding (as in Grad-ECLIP) or to its score; sums over words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import PooledAttention
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.words import Word


def positive_parts(contributions: Tensor) -> Tensor:
    """Return each token's fraction of the positive contributions (T,) to a score; zeros without any."""
    positive = contributions.relu()
    return positive / positive.sum().clamp_min(torch.finfo(torch.float32).tiny)


def word_sums(rows: Tensor, words: Sequence[Word]) -> Tensor:
    """Sum rows (T, ...) of tokens to rows (W, ...) of words."""
    return torch.stack([rows[list(word.tokens)].sum(0) for word in words])


def caption_attributions(trace: TextTrace, reference: bool) -> Attributions:
    """Return first-order contributions f_j = sum_l J_l (lambda_j v_j) to the caption's embedding, (T, E).

    For a tower that averages its tokens, and so has no query, f_j is what token j's part of the mean
    contributes.

    Args:
        trace: the caption's pass through the text tower. If it has propagated tangents, they are used.
        reference: normalize lambda over all positions, including padding, instead of over the tokens that the
            pooled one attends to, without padding.
    """
    if trace.propagated is not None:
        return trace.propagated
    return trace.propagate([caption_tangents(a, reference) for a in trace.attentions])


def caption_tangents(attention: PooledAttention, reference: bool) -> Tensor:
    """Return lambda_j v_j (T, D) of a caption's tokens in one block; see `caption_attributions`."""
    scope = slice(None) if reference else slice(attention.visible - attention.padding)
    return weighted_values(attention, scope)[attention.tokens].to(attention.v.dtype)


def weighted_values(attention: PooledAttention, scope: slice | Tensor) -> Tensor:
    """Return lambda_i v_i (N, D) of every token; over the tokens in ``scope``, lambda runs from 0 to 1."""
    similarity = F.cosine_similarity(attention.q.float()[None], attention.k.float(), dim=-1)
    low, high = similarity[scope].aminmax()
    if high == low:  # one token, or all are equal
        return attention.v.float()
    return ((similarity - low) / (high - low))[:, None] * attention.v.float()


@dataclass(frozen=True, eq=False)
class Relevance(Attributions):
    """Relevance of a caption's tokens to its score, without a direction of the embedding space for each.

    A token's map is then the caption's map, times the token's relevance.

    Attributes:
        relevance: (T,).
    """

    relevance: Tensor

    @classmethod
    def of(cls, relevance: Tensor, embedding: Tensor) -> Relevance:
        """Return attributions that split a caption's unit embedding (E,) by relevance (T,)."""
        return cls(relevance.to(embedding)[:, None] * embedding, relevance)

    def of_score(self, x: Tensor, *, freeze_norms: bool) -> Tensor:
        """Return the relevance (T,), which does not depend on the arguments."""
        return self.relevance


def scale_by_length(maps: Tensor, directions: Tensor) -> Tensor:
    """Return maps (K, patches) times the lengths of their directions (K, E)."""
    length: Tensor = directions.norm(dim=-1, keepdim=True)
    return maps * length.to(maps)


def unit_directions(directions: Tensor) -> Tensor:
    """Return directions (K, E) scaled to length one; zeros stay zeros."""
    length: Tensor = directions.norm(dim=-1, keepdim=True)
    return directions / length.clamp_min(torch.finfo(directions.dtype).tiny)
