"""Means and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.evaluation.bootstrap import Samples

NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


def samples(**columns: list[float]) -> Samples[str]:
    return Samples(
        (str(n), column, value)
        for column, values in columns.items()
        for n, value in enumerate(values)
    )


@given(NUMBERS, st.integers(0, 5))
def test_an_interval_contains_the_mean_and_lies_within_the_values(
    values: list[float], seed: int
) -> None:
    result = samples(a=values).estimate(seed, 0.99)["a"]
    slack = 1e-9
    assert result.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert min(values) - slack <= result.low <= result.high <= max(values) + slack


@given(NUMBERS, st.floats(-10, 10))
def test_a_constant_difference_between_methods_has_no_width(
    values: list[float], shift: float
) -> None:
    both = samples(a=values, b=[value + shift for value in values])
    difference = both.differences([("b", "a")], 0, 0.95)["b", "a"]
    for number in difference.numbers.values():
        assert number == pytest.approx(shift, abs=1e-9)


def test_the_interval_has_the_width_that_theory_gives() -> None:
    values = np.random.default_rng(0).normal(size=400)
    result = samples(a=values.tolist()).estimate(1, 0.95)["a"]
    width = 2 * 1.96 * values.std() / 20
    assert result.high - result.low == pytest.approx(width, rel=0.1)


def test_a_seed_gives_the_same_interval_bit_for_bit() -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    one, again, other = (samples(a=values).estimate(seed, 0.95)["a"] for seed in (3, 3, 4))
    assert one.numbers == again.numbers
    assert one.low != other.low


def test_whole_examples_are_drawn() -> None:
    """Ten equal values of an example have the same interval as one."""
    several = Samples((example, "a", value) for example, value in [("x", 0.0), ("y", 1.0)] * 10)
    once = samples(a=[0.0, 1.0])
    assert several.estimate(0, 0.9)["a"].numbers == once.estimate(0, 0.9)["a"].numbers


def test_a_method_is_averaged_over_the_examples_with_values() -> None:
    result = Samples([("x", "a", 1.0), ("y", "a", 3.0), ("y", "b", 5.0)])
    estimate = result.estimate(0, 0.95)
    assert float(estimate["b"].mean) == float(estimate["b"].low) == 5
    assert result.count("b") == (1, 1)
    assert result.count("a") == (2, 2)


def test_curves_are_averaged_step_by_step() -> None:
    curves = [("x", "a", np.array([1.0, 0.0])), ("y", "a", np.array([1.0, 0.5]))]
    assert Samples(curves).estimate(0, 0.95)["a"].mean.tolist() == [1.0, 0.25]
