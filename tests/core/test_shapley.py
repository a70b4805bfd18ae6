"""Shapley values of words: their sum, exact values for few players, Kernel SHAP for many."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.core.shapley import EXACT, WordGame

from ..factories import words_of

NOUNS = "dog cat sun tree car bus key hat".split()


def game_of(players: int) -> WordGame:
    return WordGame.of(words_of(" ".join(NOUNS[:players])))


def scores_of(game: WordGame, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(game.coalitions))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_up_to_three_words_are_always_exact(n: int) -> None:
    words = words_of(" ".join(NOUNS[:n]))
    assert WordGame.of(words, exact=0) == WordGame.of(words)


@given(st.integers(1, len(NOUNS)), st.integers(0, 99))
def test_values_sum_to_the_score_minus_that_of_the_empty_caption(n: int, seed: int) -> None:
    game = game_of(n)
    scores = scores_of(game, seed)
    assert game.values(scores).sum() == pytest.approx(scores[-1] - scores[0], abs=1e-12)


@pytest.mark.parametrize("n", range(1, EXACT + 1))
def test_values_of_few_words_are_means_over_all_orders(n: int) -> None:
    game = game_of(n)
    scores = dict(zip(game.coalitions, scores_of(game), strict=True))
    expected = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        for place, word in enumerate(order):
            before = tuple(sorted(order[:place]))
            with_it = tuple(sorted((*before, word)))
            expected[word] += (scores[with_it] - scores[before]) / len(orders)
    np.testing.assert_allclose(game.values(np.array([*scores.values()])), expected, atol=1e-12)


@pytest.mark.parametrize("n", [EXACT + 1, EXACT + 3])
def test_values_of_many_words_solve_the_least_squares_of_kernel_shap(n: int) -> None:
    game = game_of(n)
    scores = scores_of(game)
    members = np.array([[w in c for w in range(n)] for c in game.coalitions[1:-1]], float)
    sizes = members.sum(1)
    weights = np.sqrt((n - 1) / (np.array([len(list(combinations(range(n), int(s)))) for s in sizes])
                                 * sizes * (n - sizes)))  # fmt: skip
    total = scores[-1] - scores[0]
    # The constraint that values sum to the total is solved for the last word.
    free = members[:, :-1] - members[:, -1:]
    target = scores[1:-1] - scores[0] - members[:, -1] * total
    solved, *_ = np.linalg.lstsq(weights[:, None] * free, weights * target, rcond=None)
    expected = np.append(solved, total - solved.sum())
    np.testing.assert_allclose(game.values(scores), expected, atol=1e-9)


@pytest.mark.parametrize("n", [3, EXACT + 2])
def test_words_without_interactions_have_the_value_that_they_add(n: int) -> None:
    game, worth = game_of(n), np.arange(n) - 1.5
    scores = np.array([0.25 + worth[list(c)].sum() for c in game.coalitions])
    np.testing.assert_allclose(game.values(scores), worth, atol=1e-12)


def test_small_words_are_one_player_and_share_its_value() -> None:
    game = WordGame.of(words_of("a dog and the sun"))
    assert game.players == ((1,), (4,), (0, 2, 3))
    scores = np.array([0.3 * (0 in c) + (1 in c) for c in game.coalitions])
    np.testing.assert_allclose(game.values(scores), [0.1, 1, 0.1, 0.1, 0], atol=1e-12)


def test_a_caption_of_small_words_has_a_player_for_each() -> None:
    assert WordGame.of(words_of("in and of")).players == ((0,), (1,), (2,))


def test_a_negation_is_not_a_small_word() -> None:
    assert (1,) in WordGame.of(words_of("dogs without a leash")).players


def test_unread_and_unknown_words_are_not_players() -> None:
    dog, dodo, cut = words_of("dog dodo cut")
    game = WordGame.of((dog, replace(dodo, known=False), replace(cut, tokens=())))
    assert game.coalitions == ((), (0,))
    assert game.values(np.array([0.1, 0.4])).tolist() == pytest.approx([0.3, 0, 0])


def test_a_caption_of_unknown_words_has_only_the_empty_coalition() -> None:
    game = WordGame.of(tuple(replace(w, known=False) for w in words_of("dodo emu")))
    assert game.coalitions == ((),)
    assert game.values(np.array([0.2])).tolist() == [0, 0]


@pytest.mark.parametrize(("players", "most"), [(EXACT, 2**EXACT), (12, 26)])
def test_the_number_of_coalitions_is_limited(players: int, most: int) -> None:
    words = words_of(" ".join(f"word{n}" for n in range(players)))
    assert len(WordGame.of(words).coalitions) == most
