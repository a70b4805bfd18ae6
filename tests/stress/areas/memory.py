"""Widgets, galleries and pages opened and closed: memory stays level."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from random import Random
from typing import Any

import gradeclip_widget as gw

from ..outcome import Fault, Outcome
from ..shared import Shared, make_picture

ROUNDS = 30
GROWTH = 300_000  # bytes for each round that may remain: caches that fill


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Memory:
    """Closed widgets and galleries are freed."""

    name, weight, seconds, megabytes = "memory", 0.4, 120, 600

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.e = shared.explainer(make_picture(1), "a dog")
        pairs = [(make_picture(n), "a dog") for n in range(3)]
        self.run = gw.explain_dataset(
            pairs,
            shared.folder / "run",
            model=shared.small,
            progress=False,
            workers=0,
            batch_size=3,
        )

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Open and close the same kind of view many times."""
        kind = rng.choice(("widgets shown", "widgets explored", "galleries", "pages"))
        for _ in range(5):
            self._round(kind)  # caches fill
        before, views = resident(), [self._round(kind) for _ in range(ROUNDS)]
        grown = resident() - before
        alive = sum(view is not None and view() is not None for view in views)
        if alive > 3:
            raise Fault(f"{kind} | {alive} of {ROUNDS} stay in memory after they were closed")
        if grown > GROWTH * ROUNDS:
            raise Fault(f"{kind} | {grown / 1e6:.0f} MB remain after {ROUNDS} of them")
        return Outcome.of(kind, grown)

    def _round(self, kind: str) -> weakref.ref[Any] | None:
        if kind == "pages":
            self.e.to_html()
            return None
        if kind == "galleries":
            view: Any = gw.browse(self.run)
        elif kind == "widgets shown":
            view = gw.show(self.e)
        else:
            view = gw.explore(make_picture(1), "a dog", self.shared.small)
            view.wait()
        view.close()
        return weakref.ref(view)
