"""Rank correlation of maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_correlations(rows: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of every two rows, (W, W); NaN for rows that are constant.

    >>> rank_correlations([[1, 2, 3], [10, 20, 20], [3, 2, 1]]).round(3)
    array([[ 1.   ,  0.866, -1.   ],
           [ 0.866,  1.   , -0.866],
           [-1.   , -0.866,  1.   ]])

    Args:
        rows: (W, N) finite.

    Reference:
        Spearman, "The Proof and Measurement of Association between Two Things", 1904: the correlation of
        ranks, where equal values share the mean of theirs.
    """
    ranks = np.stack([_ranks(row) for row in np.asarray(rows)])
    centered = ranks - ranks.mean(1, keepdims=True)
    lengths = np.sqrt((centered**2).sum(1))
    products = np.outer(lengths, lengths)
    out = np.full(products.shape, np.nan)
    correlations: NDArray[np.float64] = np.divide(
        centered @ centered.T, products, out=out, where=products > 0
    )
    return correlations


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return Spearman's rank correlation of two lists of numbers (N,); NaN where one is constant."""
    return float(rank_correlations(np.stack([np.ravel(one), np.ravel(other)]))[0, 1])


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rank of every value (N,); equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
