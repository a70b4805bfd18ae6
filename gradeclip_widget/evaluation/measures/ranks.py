"""Rank correlation of maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..bootstrap import Values


def rank_correlations(rows: ArrayLike) -> Values:
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
    ranks = pd.DataFrame(np.asarray(rows).T).rank().to_numpy()
    centered = ranks - ranks.mean(0)
    lengths = np.sqrt((centered**2).sum(0))
    products = np.outer(lengths, lengths)
    out = np.full(products.shape, np.nan)
    correlations: Values = np.divide(centered.T @ centered, products, out=out, where=products > 0)
    return correlations


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return Spearman's rank correlation of two lists of numbers (N,); NaN where one is constant."""
    return float(rank_correlations(np.stack([np.ravel(one), np.ravel(other)]))[0, 1])
