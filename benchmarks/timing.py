"""Interleaved timing: contenders take turns, so that a noisy machine disturbs all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each contender over so many rounds, after one round of warming up.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: give at least 1")
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for n in range(rounds + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if n:
                seconds[name].append(time.perf_counter() - start)
    return {name: sorted(times)[len(times) // 2] for name, times in seconds.items()}
