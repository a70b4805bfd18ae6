"""Peak memory of a run: the memory that torch allocates during it."""

from __future__ import annotations

from collections.abc import Callable

import torch


def peak(run: Callable[[], object], device: str = "cpu") -> int:
    """Return bytes without the model's weights, by torch's profiler (CPU) or allocator (CUDA)."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return torch.cuda.max_memory_allocated() - before
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        run()
    total = most = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            most = max(most, total)
    return most
