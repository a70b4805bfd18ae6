"""Descriptions of how a score compares with those of unrelated sentences."""

from __future__ import annotations

import numpy as np
import pytest

from gradeclip_widget.core.match import describe_match, rank_among

UNRELATED = np.linspace(0.005, 1, 200, dtype=np.float32)  # a half percent each


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (1.1, "higher than all 200 unrelated sentences"),
        (0.982, "higher than 98 % of 200 unrelated sentences"),
        (0.977, "little better than an unrelated sentence (higher than 97 % of 200)"),
        (0.902, "little better than an unrelated sentence (higher than 90 % of 200)"),
        (0.896, "no better than an unrelated sentence (higher than 89 % of 200)"),
        (-1, "no better than an unrelated sentence (higher than 0 % of 200)"),
    ],
)
def test_a_score_matches_from_98_percent(score: float, word: str) -> None:
    assert describe_match(score, UNRELATED) == word


def test_an_equal_score_is_not_higher() -> None:
    assert rank_among(0.5, np.array([0.25, 0.5, 0.75], np.float32)) == pytest.approx(1 / 3)
