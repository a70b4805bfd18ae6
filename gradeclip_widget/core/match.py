"""How a score compares with the scores of unrelated sentences. No model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MATCHES = (
    0.98  # a caption matches if its score is higher than this fraction of the unrelated scores
)
NO_BETTER = 0.9  # below this fraction, the score is no better than that of an unrelated sentence


def rank_among(score: float, unrelated: NDArray[np.floating]) -> float:
    """Return the fraction of unrelated scores (K,) that a score is higher than, 0 to 1."""
    return float((unrelated < np.float32(score)).mean())


def describe_match(score: float, unrelated: NDArray[np.floating]) -> str:
    """Describe in words how a score compares with unrelated ones.

    >>> describe_match(0.3, np.array([0.1, 0.2, 0.25]))
    'higher than all 3 unrelated sentences'

    Args:
        score: cosine similarity of the picture and its caption.
        unrelated: (K,) those of the picture and unrelated sentences.
    """
    rank, count = rank_among(score, unrelated), len(unrelated)
    if rank == 1:
        return f"higher than all {count} unrelated sentences"
    part = f"higher than {int(100 * rank)} % of {count}"
    if rank >= MATCHES:
        return f"{part} unrelated sentences"
    better = "no" if rank < NO_BETTER else "little"
    return f"{better} better than an unrelated sentence ({part})"
