"""An explanation as a table with a row per word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.evidence import LEAVE_ONE_OUT

if TYPE_CHECKING:
    import pandas as pd

    from ..core.explanation_data import ExplanationData


def table(explanation: ExplanationData, full: bool = False) -> pd.DataFrame:
    """Return a table with a row per word; see `Explanation.to_frame`."""
    import pandas as pd

    e = explanation
    default, *others = e.importance_measures

    def importance(name: str) -> np.ndarray:
        return np.where(e.unread, np.float32(np.nan), e.importance(name))

    columns = {"word": [word.text for word in e.words], "importance": importance(default)}
    if LEAVE_ONE_OUT in others:
        others.remove(LEAVE_ONE_OUT)
        columns["lost_without"] = importance(LEAVE_ONE_OUT)
    columns["x"], columns["y"] = _peaks(e)
    if full:
        columns |= {name.replace("-", "_"): importance(name) for name in others}
        raw = e.raw_maps(e.evidence_reading)
        sums = {"raw_sum": raw.sum((1, 2)), "raw_peak": raw.max((1, 2))}
        columns |= {name: np.where(e.unread, np.float32(np.nan), sums[name]) for name in sums}
        columns["read"] = [bool(word.tokens) and not word.truncated for word in e.words]
        columns["known"] = e.known
    return pd.DataFrame(columns)


def _peaks(e: ExplanationData) -> tuple[np.ndarray, np.ndarray]:
    """Return where each word's evidence is strongest, x and y (W,) in pixels; NaN without evidence."""
    strength = np.abs(e.word_evidence()).reshape(len(e.words), -1)
    row, col = np.divmod(strength.argmax(1), e.patch_grid[1])
    nowhere = ~strength.any(1)
    x0, y0, x1, y1 = e.cover
    x = x0 + (col + 0.5) * (x1 - x0) / e.patch_grid[1]
    y = y0 + (row + 0.5) * (y1 - y0) / e.patch_grid[0]
    return np.where(nowhere, np.nan, x), np.where(nowhere, np.nan, y)
