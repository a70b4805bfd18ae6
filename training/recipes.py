"""The stages of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
    """A part of training with one setting."""

    steps: int
    sizes: tuple[int, ...]  # pixels of scenes; each step chooses one
    scenes: int
    close_ups: int
    rate: tuple[float, float]  # learning rate at the start and at the end
    close_up_sizes: tuple[int, ...] = (40, 48, 64)
    shape_names: float = 0.0  # weight of the loss between a scene and the names of its shapes
    variety: float = 0.6  # fraction of the pictures with varied drawings
    shapes: float = 0.15  # fraction of the scenes with only shapes of several colors
    shorter: float = 0.0  # fraction of the worse captions of several things that are incomplete
    terse: float = 0.6  # fraction of the captions without most of their function words
    worse: int = 1  # number of worse captions for each scene
    counts: tuple[float, ...] | None = None  # weights of 1 to 4 things, instead of the default


def locate(stages: Sequence[Stage], step: int) -> tuple[Stage, float]:
    """Return the stage of a step, and the progress in it (0 to 1)."""
    for stage in stages:
        if step < stage.steps:
            return stage, step / stage.steps
        step -= stage.steps
    raise ValueError(f"training ends {step} steps earlier")


SIZES = (112, 112, 112, 144)  # pixels of scenes
# The run on CPUs was stopped after 850 and 1,200 steps to add the settings of the later stages: names of
# shapes, which bind colors to them, then incomplete captions, so that small things count too.
# Rates are before `DECAY`.
_EARLY = Stage(steps=250, sizes=(112,), scenes=24, close_ups=224, rate=(2e-3, 2e-3))
_MAIN = replace(_EARLY, steps=600, sizes=SIZES, scenes=72, close_ups=96, rate=(2e-3, 1.5e-3))
_BOUND = replace(_MAIN, steps=350, rate=(1.5e-3, 1.3e-3), shapes=0.3, shape_names=0.5)
_WHOLE = replace(_BOUND, steps=5000, scenes=80, close_ups=48, rate=(1.3e-3, 1.3e-3), shorter=0.5)
STAGES = (_EARLY, _MAIN, _BOUND, _WHOLE)
# Two further runs on a GPU, each annealed; the second starts from the result of the first. The package has
# the mean of both (`average.py`). Each caption has three worse ones; fewer scenes have a single thing.
_FIRST = replace(
    _WHOLE, steps=50_000, scenes=144, close_ups=64, worse=3, counts=(0.2, 0.35, 0.3, 0.15)
)
_SECOND = replace(
    _FIRST, scenes=224, close_ups=96, terse=0.85, sizes=(112, 112, 112, 112, 144, 224)
)
RECIPES = {"cpu": STAGES, "gpu": (_FIRST,), "gpu-again": (_SECOND,)}
