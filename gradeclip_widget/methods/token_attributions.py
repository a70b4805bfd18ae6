"""What a caption's tokens bring to its embedding, and to the score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import PooledAttention
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.words import Word


def positive_parts(shares: Tensor) -> Tensor:
    """Return each token's part of what is positive in shares (T,) of the score; zeros where nothing is."""
    evidence = shares.relu()
    return evidence / evidence.sum().clamp_min(torch.finfo(torch.float32).tiny)


def word_sums(rows: Tensor, words: Sequence[Word]) -> Tensor:
    """Rows (T, ...) of tokens summed to rows (W, ...) of words."""
    return torch.stack([rows[list(word.tokens)].sum(0) for word in words])


def caption_attributions(trace: TextTrace, reference: bool) -> Attributions:
    """Return first-order shares f_j = sum_l J_l (lambda_j v_j) of the embedding, (T, E).

    lambda is normalised over the tokens that the pooled one sees, save padding; where ``reference`` is set
    over all positions, padding included. A tower that averages its tokens has no query: there f_j is what
    j's own part of the mean gives. TangentFn that the text tower took along are not pushed again.
    """
    if trace.propagated is not None:
        return trace.propagated
    return trace.propagate(
        [caption_tangents(attention, reference) for attention in trace.attentions]
    )


def caption_tangents(attention: PooledAttention, reference: bool) -> Tensor:
    """lambda_j v_j of the T tokens in a block, (T, D)."""
    scope = slice(None) if reference else slice(attention.visible - attention.padding)
    return weighted_values(attention, scope)[attention.tokens].to(attention.v.dtype)


def weighted_values(attention: PooledAttention, scope: slice | Tensor) -> Tensor:
    """lambda_i v_i for every token (N, D), lambda running from 0 to 1 over the tokens in ``scope``."""
    similarity = F.cosine_similarity(attention.q.float()[None], attention.k.float(), dim=-1)
    low, high = similarity[scope].aminmax()
    if high == low:  # one token, or all alike: nothing to tell them apart by
        return attention.v.float()
    return ((similarity - low) / (high - low))[:, None] * attention.v.float()
