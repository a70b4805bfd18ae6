"""Spearman's rank correlation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from gradeclip_widget.core.ranks import rank_correlations, spearman

ROWS = arrays(np.float64, (3, 12), elements=st.integers(-4, 4).map(float))


@given(ROWS)
def test_correlations_equal_those_of_scipy(rows: np.ndarray) -> None:
    ours = rank_correlations(rows)
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if np.ptp(one) and np.ptp(other):
                assert ours[i, j] == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-9)
            else:
                assert np.isnan(ours[i, j])


def test_only_ranks_matter() -> None:
    assert spearman([1.0, 2.0, 30.0], [0.1, 0.2, 0.3]) == pytest.approx(1)
    assert spearman([1.0, 2.0, 3.0], [3.0, 1.0, 0.5]) == pytest.approx(-1)
