"""What training does for how long."""

from __future__ import annotations

from dataclasses import replace

from .batches import Stage

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
