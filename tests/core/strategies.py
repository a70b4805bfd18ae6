"""Random importance and maps, and simple maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

values = st.floats(-1, 1, allow_subnormal=False, width=32)
numbers = st.integers(1, 9)


@st.composite
def words_and_maps(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    """Importance (W,) and signed maps (W, 3, 4)."""
    count = draw(numbers)
    maps = draw(arrays(np.float32, (count, 3, 4), elements=values))
    return draw(arrays(np.float32, count, elements=values)), maps


def blobs(*places: tuple[int, int] | None) -> NDArray[np.float64]:
    """A map per word with a single one, at its place; all zeros for ``None``."""
    maps = np.zeros((len(places), 3, 4))
    for row, place in zip(maps, places, strict=True):
        if place is not None:
            row[place] = 1
    return maps
