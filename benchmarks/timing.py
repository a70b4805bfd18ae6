"""Interleaved timing: contenders take turns, so that a noisy machine affects all equally."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each contender over a number of rounds, after one round to warm up.

    Raises:
        ValueError: fewer than one round.
    """
    return in_turns({name: partial(seconds, run) for name, run in contenders.items()}, rounds)


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of the times that each contender returns, as `interleaved`.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: give at least 1")
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for n in range(rounds + 1):
        for name, run in contenders.items():
            value = run()
            if n:
                taken[name].append(value)
    return {name: sorted(values)[len(values) // 2] for name, values in taken.items()}


def seconds(run: Callable[[], object]) -> float:
    """Return the time of a call in seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
