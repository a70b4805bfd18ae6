"""Contrastive losses over pictures and captions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrast(logits: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """Return the symmetric InfoNCE, and the fraction of pictures whose caption has the highest score.

    Args:
        logits: (pictures, captions); caption i belongs to picture i, further captions are wrong.
        ignored: (pictures, captions) bool, pairs to leave out of the denominators.
    """
    logits = logits.masked_fill(ignored, -torch.inf)
    count = len(logits)
    partner = torch.arange(count, device=logits.device)
    by_caption = F.cross_entropy(logits, partner)
    by_picture = F.cross_entropy(logits[:, :count].T, partner)
    accuracy = (logits[:, :count].argmax(1) == partner).float().mean()
    return (by_caption + by_picture) / 2, accuracy


def contrast_many(logits: Tensor, named: Tensor) -> Tensor:
    """Return the symmetric InfoNCE for pictures with several partners, each against all non-partners.

    Args:
        logits: (pictures, names).
        named: (pictures, names) bool, the partners.
    """
    return (_one_side(logits, named) + _one_side(logits.T, named.T)) / 2


def _one_side(logits: Tensor, partners: Tensor) -> Tensor:
    negatives = logits.masked_fill(partners, -torch.inf).logsumexp(dim=1, keepdim=True)
    return F.softplus(negatives - logits)[partners].mean()
