"""Shapley values of a caption's words: what each adds to the score. Pure functions; no model.

Every word is a player; the words that name nothing ("a", "and") are one player together. The worth of a
coalition is the score of the caption with only its words. The values add up to the score of the whole caption
minus the score of the empty caption.

Reference:
    Shapley, "A value for n-person games", 1953; Lundberg and Lee, "A Unified Approach to Interpreting Model
    Predictions", NeurIPS 2017 (Kernel SHAP).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .words import Word

EXACT = 4  # maximum number of players whose coalitions are all scored (16 coalitions)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class WordGame:
    """The players of a caption, and the coalitions whose scores are needed.

    Attributes:
        players: for each player, the positions of its words in the caption, ascending.
        coalitions: for each coalition, the positions of its words, ascending. The first is empty, the last
            has all players. Between them are all other coalitions, or, if there are many players, each
            player alone and all players but one.
        words: number of words in the caption.
    """

    players: tuple[tuple[int, ...], ...]
    coalitions: tuple[tuple[int, ...], ...]
    words: int

    @classmethod
    def of(cls, words: Sequence[Word], exact: int = EXACT) -> WordGame:
        """Return the game of a caption.

        Words that the model does not read, or was never trained on, are not players. Small words (see
        `Word.small`) are one player together, unless the caption has only small words.

        Args:
            words: the caption's words.
            exact: maximum number of players for which all coalitions are needed; at least three.
        """
        read = [w for w, word in enumerate(words) if word.tokens and word.known]
        small = tuple(w for w in read if words[w].small)
        content = [(w,) for w in read if not words[w].small]
        players = (*content, small) if small and content else (*content, *((w,) for w in small))
        # With three players, "each alone" and "all but one" are already all coalitions.
        rows = _membership(len(players), len(players) <= max(exact, 3))
        members = [_coalition(row, players) for row in rows]
        return cls(tuple(players), tuple(members), len(words))

    def values(self, scores: NDArray[np.floating]) -> Values:
        """Return the Shapley value of each word, (W,), in units of the score; 0 for words of no player.

        Small words share the value of their player equally. The values sum to the last score minus the
        first. They are exact if all coalitions have a score. Otherwise they are those of Kernel SHAP from the
        coalitions of one player and of all but one: the mean of the score that a player adds to the empty
        caption and the score that the whole caption loses without it, all shifted by the same amount so that
        they add up.

        Args:
            scores: (C,) scores of the coalitions.
        """
        values = np.zeros(self.words)
        worth = scores.astype(np.float64)
        count = len(self.players)
        of_players = _exact(worth, count) if len(worth) == 2**count else _kernel(worth)
        for player, value in zip(self.players, of_players, strict=True):
            values[list(player)] = value / len(player)
        return values


def _membership(players: int, all_of_them: bool) -> NDArray[np.bool_]:
    """Return which players are in which coalition, (C, players); see `WordGame`."""
    if all_of_them:
        masks = np.arange(2**players)
        return (masks[:, None] >> np.arange(players) & 1).astype(bool)
    alone = np.eye(players, dtype=bool)
    none = np.zeros((1, players), bool)
    return np.concatenate([none, alone, ~alone, ~none])


def _coalition(row: NDArray[np.bool_], players: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(
        sorted(w for player, in_it in zip(players, row, strict=True) if in_it for w in player)
    )


def _exact(worth: Values, players: int) -> Values:
    """Return the mean over all orders of what each player adds to those before it."""
    masks = np.arange(2**players)
    sizes = (masks[:, None] >> np.arange(players) & 1).sum(1)
    orders = [math.factorial(s) * math.factorial(players - s - 1) for s in range(players)]
    values = np.zeros(players)
    for player in range(players):
        before = masks[masks >> player & 1 == 0]
        weights = np.array([orders[s] for s in sizes[before]]) / math.factorial(players)
        values[player] = weights @ (worth[before | 1 << player] - worth[before])
    return values


def _kernel(worth: Values) -> Values:
    """Return the solution of Kernel SHAP's least squares over coalitions of one player and of all but one."""
    none, whole = worth[0], worth[-1]
    alone, without = np.split(worth[1:-1], 2)
    mean = ((alone - none) + (whole - without)) / 2
    shifted: Values = mean + (whole - none - mean.sum()) / len(mean)
    return shifted
