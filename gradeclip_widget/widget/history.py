"""What was shown, one step after the other, and where among it the reader stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .request import Request

LIMIT = 100  # steps


@dataclass(frozen=True, eq=False)
class Step:
    """One thing shown: what was asked, which prompt was in front, and its score."""

    request: Request
    active: int
    score: float

    def entry(self) -> dict[str, Any]:
        """For the front end, as ``HistoryEntry`` in ``js/src/synced.ts``."""
        return {
            "prompts": list(self.request.prompts),
            "active": self.active,
            "score": self.score,
            "model": self.request.model,
            "method": self.request.method,
        }


class History:
    """The last `LIMIT` steps. ``index`` is the one on show, -1 before there is any."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self.index = -1

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> Step:
        return self._steps[index]

    def show(self, step: Step) -> None:
        """Go to a step there is, or add one after that on show, in place of what lay ahead.

        Showing the same again adds none.
        """
        if step in self._steps:
            self.index = self._steps.index(step)
        elif self.index < 0 or self._steps[self.index].request != step.request:
            self._steps[self.index + 1 :] = [step]
            del self._steps[:-LIMIT]
            self.index = len(self._steps) - 1

    def entries(self) -> list[dict[str, Any]]:
        """All steps for the front end, the first one first."""
        return [step.entry() for step in self._steps]
