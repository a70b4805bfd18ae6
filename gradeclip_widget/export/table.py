"""An explanation as a table with a row per word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.evidence import MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from ..core.explanation_data import ExplanationData


def table(explanation: ExplanationData) -> pd.DataFrame:
    """Return a table with a row per word; see `Explanation.to_frame`."""
    import pandas as pd

    e = explanation
    maps = e.word_maps(e.evidence_reading)
    rows, cols = e.patch_grid
    x0, y0, x1, y1 = e.cover
    measures = e.importance_measures
    peaks = maps.reshape(len(maps), -1).argmax(1)
    return pd.DataFrame(
        {
            "word": [w.text for w in e.words],
            "importance": e.word_importance,
            **{
                name.replace("-", "_"): e.importance(name) if name in measures else np.nan
                for name in MEASURES
            },
            "sum": maps.sum((1, 2)),
            "peak": maps.max((1, 2)),
            "peak_x": x0 + (peaks % cols + 0.5) * (x1 - x0) / cols,
            "peak_y": y0 + (peaks // cols + 0.5) * (y1 - y0) / rows,
            "read": [bool(w.tokens) and not w.truncated for w in e.words],
            "known": [w.known for w in e.words],
        }
    )
