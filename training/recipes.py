"""What training does for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
    """A stretch of training under one setting."""

    steps: int
    sizes: tuple[int, ...]  # pixels of scenes; each step draws one of them
    scenes: int
    close_ups: int
    rate: tuple[float, float]  # learning rate at the start and at the end
    close_up_sizes: tuple[int, ...] = (40, 48, 64)
    shape_names: float = 0.0  # weight of the loss that tells a scene the names of the shapes in it
    variety: float = 0.6  # share of the pictures whose drawings are varied
    shapes: float = 0.15  # share of the scenes with nothing but shapes of several colors
    shorter: float = 0.0  # share of the captions of several things told from one with fewer
    terse: float = 0.6  # share of the captions that lose most of their function words
    worse: int = 1  # captions that each scene is told its own from
    counts: tuple[float, ...] | None = None  # weights of 1 to 4 things, in place of the usual


def locate(stages: Sequence[Stage], step: int) -> tuple[Stage, float]:
    """The stage a step belongs to, and how far through it the step is (0 to 1)."""
    for stage in stages:
        if step < stage.steps:
            return stage, step / stage.steps
        step -= stage.steps
    raise ValueError(f"training ends {step} steps before that")


SIZES = (112, 112, 112, 144)  # pixels of scenes
# The run on CPUs was stopped after 850 and 1,200 steps to add what the later stages have: shapes among the
# names, so that colors bind to them, then captions with something left out, so that small things count too.
# Rates are before `DECAY`.
_EARLY = Stage(steps=250, sizes=(112,), scenes=24, close_ups=224, rate=(2e-3, 2e-3))
_MAIN = replace(_EARLY, steps=600, sizes=SIZES, scenes=72, close_ups=96, rate=(2e-3, 1.5e-3))
_BOUND = replace(_MAIN, steps=350, rate=(1.5e-3, 1.3e-3), shapes=0.3, shape_names=0.5)
_WHOLE = replace(_BOUND, steps=5000, scenes=80, close_ups=48, rate=(1.3e-3, 1.3e-3), shorter=0.5)
STAGES = (_EARLY, _MAIN, _BOUND, _WHOLE)
# On a GPU, from there: two runs, each annealed, the second from what the first wrote; what ships is the mean
# of both (`average.py`). Captions are told from three that fit worse; fewer scenes hold one thing only.
_FIRST = replace(
    _WHOLE, steps=50_000, scenes=144, close_ups=64, worse=3, counts=(0.2, 0.35, 0.3, 0.15)
)
_SECOND = replace(
    _FIRST, scenes=224, close_ups=96, terse=0.85, sizes=(112, 112, 112, 112, 144, 224)
)
RECIPES = {"cpu": STAGES, "gpu": (_FIRST,), "gpu-again": (_SECOND,)}
