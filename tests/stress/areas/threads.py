"""Two models, or two widgets, at the same time: every answer is the one computed alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import gradeclip_widget as gw

from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import CAPTIONS, Shared

EDITS = 3


class Threads:
    """Answers of threads that compute at once equal those computed alone."""

    name, weight, seconds, megabytes = "threads", 1.5, 120, 1000

    def __init__(self, shared: Shared) -> None:
        self.shared, self.image = shared, shared.scene.image.resize((96, 96))
        self.explainers = {
            "demo": gw.Explainer(shared.demo),
            "small": gw.Explainer(shared.small),
            "small, Grad-CAM": gw.Explainer(shared.small, "grad-cam"),
        }
        self.captions = CAPTIONS[:4]
        self.alone = {
            name: {e.caption: e for e in explainer(self.image, list(self.captions))}
            for name, explainer in self.explainers.items()
        }

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Explain at once with two explainers, or edit two widgets at once."""
        names = rng.choices(list(self.explainers), k=2)
        orders = [rng.choices(self.captions, k=EDITS) for _ in names]
        if rng.random() < 0.5:
            kind = "two explainers" if names[0] != names[1] else "one explainer twice"
            work: Any = self._explain
        else:
            kind, work = "two widgets", self._edit
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(work, names, orders))
        for name, given in zip(names, answers, strict=True):
            if isinstance(given, Failed):
                return Outcome.of(kind, given)
            for caption, e in given:
                if not same(e, self.alone[name][caption]):
                    raise Fault(f"{kind} | {name} answers {caption!r} otherwise than alone")
        return Outcome.of(kind, answers)

    def _explain(self, name: str, captions: list[str]) -> Any:
        answers = []
        for caption in captions:
            explainer = self.explainers[name]
            e = attempt(explainer, self.image, caption, documented=type(explainer).__call__)
            if isinstance(e, Failed):
                return e
            answers.append((caption, e))
        return answers

    def _edit(self, name: str, captions: list[str]) -> Any:
        widget = gw.explore(self.image, captions[0], self.explainers[name])
        answers = []
        try:
            for caption in captions:
                widget.prompt = caption
                waited = attempt(widget.wait, documented=gw.explore)
                if isinstance(waited, Failed):
                    return waited
                answers.append((caption, widget.explanation))
        finally:
            widget.close()
        return answers


def same(one: gw.Explanation, other: gw.Explanation) -> bool:
    """Return whether two explanations have equal numbers, up to rounding."""
    return (
        one.caption == other.caption
        and abs(one.score - other.score) < 1e-4
        and np.allclose(one.signed_map, other.signed_map, atol=1e-4, rtol=1e-3)
    )
