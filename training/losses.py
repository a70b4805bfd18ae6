"""What training lowers: contrastive losses over pictures and captions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrast(logits: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric InfoNCE, and the share of pictures whose own caption scores highest.

    Args:
        logits: (pictures, captions); caption i belongs to picture i, captions beyond are wrong.
        ignored: (pictures, captions) bool, pairs to leave out of the denominators.
    """
    logits = logits.masked_fill(ignored, -torch.inf)
    count = len(logits)
    partner = torch.arange(count, device=logits.device)
    by_caption = F.cross_entropy(logits, partner)
    by_picture = F.cross_entropy(logits[:, :count].T, partner)
    found = (logits[:, :count].argmax(1) == partner).float().mean()
    return (by_caption + by_picture) / 2, found


def contrast_many(logits: Tensor, named: Tensor) -> Tensor:
    """Symmetric InfoNCE where a picture has several partners, each told from all that are none.

    Args:
        logits: (pictures, names).
        named: (pictures, names) bool, the partners.
    """
    return (_told_apart(logits, named) + _told_apart(logits.T, named.T)) / 2


def _told_apart(logits: Tensor, partners: Tensor) -> Tensor:
    others = logits.masked_fill(partners, -torch.inf).logsumexp(dim=1, keepdim=True)
    return F.softplus(others - logits)[partners].mean()
