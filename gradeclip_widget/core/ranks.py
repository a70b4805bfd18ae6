"""Rank correlation of maps.

scipy.stats does the same, but importing it takes half a second, and every first explanation needs this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_correlations(rows: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's rank correlation (W, W) of every two rows; NaN for constant rows.

    >>> rank_correlations([[1, 2, 3], [10, 20, 20], [3, 2, 1]]).round(3)
    array([[ 1.   ,  0.866, -1.   ],
           [ 0.866,  1.   , -0.866],
           [-1.   , -0.866,  1.   ]])

    Args:
        rows: (W, N) finite.

    Reference:
        Spearman, "The Proof and Measurement of Association between Two Things", 1904.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant row has no deviation
        correlations: NDArray[np.float64] = np.corrcoef([_ranks(row) for row in np.asarray(rows)])
    return np.atleast_2d(correlations)


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return Spearman's rank correlation of two arrays of N numbers each; NaN if one is constant."""
    return float(rank_correlations([np.ravel(one), np.ravel(other)])[0, 1])


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rank (N,) of every value; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
