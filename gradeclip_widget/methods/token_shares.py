"""What a caption's tokens bring to its embedding, and to the score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import Read
from ..clip.text_towers.base import TextTrace
from ..clip.text_towers.shares import Shares
from ..core.words import Word


def positive_parts(shares: Tensor) -> Tensor:
    """Return each token's part of what is positive in shares (T,) of the score; zeros where nothing is."""
    evidence = shares.relu()
    return evidence / evidence.sum().clamp_min(torch.finfo(torch.float32).tiny)


def word_sums(rows: Tensor, words: Sequence[Word]) -> Tensor:
    """Rows (T, ...) of tokens summed to rows (W, ...) of words."""
    return torch.stack([rows[list(word.tokens)].sum(0) for word in words])


def caption_shares(trace: TextTrace, reference: bool) -> Shares:
    """Return first-order shares f_j = sum_l J_l (lambda_j v_j) of the embedding, (T, E).

    lambda is normalised over the tokens that the pooled one sees, save padding; where ``reference`` is set
    over all positions, padding included. A tower that averages its tokens has no query: there f_j is what
    j's own part of the mean gives. Moves that the text tower took along are not pushed again.
    """
    if trace.carried is not None:
        return trace.carried
    return trace.shares([caption_moves(read, reference) for read in trace.reads])


def caption_moves(read: Read, reference: bool) -> Tensor:
    """lambda_j v_j of the T tokens in a block, (T, D)."""
    scope = slice(None) if reference else slice(read.visible - read.padding)
    return weighted_values(read, scope)[read.tokens].to(read.v.dtype)


def weighted_values(read: Read, scope: slice | Tensor) -> Tensor:
    """lambda_i v_i for every token (N, D), lambda running from 0 to 1 over the tokens in ``scope``."""
    similarity = F.cosine_similarity(read.q.float()[None], read.k.float(), dim=-1)
    low, high = similarity[scope].aminmax()
    if high == low:  # one token, or all alike: nothing to tell them apart by
        return read.v.float()
    return ((similarity - low) / (high - low))[:, None] * read.v.float()
