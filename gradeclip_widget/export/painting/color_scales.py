"""Color scales as tables of 256 entries, the same as in the front end (``js/src/core/color-scale.ts``)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

COLOR_SCALES = ("inferno", "magma", "plasma", "viridis", "cividis")  # those of the widget
OPACITY = 0.72  # default opacity of the strongest evidence
# ColorBrewer's PuOr (Brewer 2003), which color-blind readers can read too, unlike red and green.
_DIVERGING = (
    "#2d004b", "#542788", "#8073ac", "#b2abd2", "#d8daeb", "#f7f7f7",
    "#fee0b6", "#fdb863", "#e08214", "#b35806", "#7f3b08",
)  # fmt: skip
_REACH = (
    0.38  # part of the scale used on each side of its middle: its ends are too dark on a picture
)
_PALEST = 0.6  # of that part: where evidence only against the match begins, to be visible


def color_table(name: str, sign: str) -> NDArray[np.uint8]:
    """Return the colors (256, 3) of evidence from 0 to the strongest, or of both signs from -1 to 1.

    Evidence against the match is purple; with ``sign="both"``, evidence for the match is orange.

    Args:
        name: a sequential plotly color scale, for ``sign="positive"``.
        sign: ``"positive"``, ``"negative"`` or ``"both"``.

    Raises:
        ValueError: the color scale does not exist.
    """
    sequential = _sequential(name)  # raises on a wrong name for every sign
    if sign == "positive":
        return sequential
    strength = np.arange(256) / 255
    signed = 2 * strength - 1 if sign == "both" else -(_PALEST + (1 - _PALEST) * strength)
    stops = np.array([ImageColor.getrgb(color) for color in _DIVERGING], np.float64)
    place = (0.5 + _REACH * signed) * (len(stops) - 1)
    below = np.minimum(len(stops) - 2, np.floor(place).astype(int))
    colors = stops[below] + (stops[below + 1] - stops[below]) * (place - below)[:, None]
    table: NDArray[np.uint8] = np.rint(colors).astype(np.uint8)
    return table


@cache
def _sequential(name: str) -> NDArray[np.uint8]:
    import plotly.colors

    try:
        colors = plotly.colors.sample_colorscale(name, np.linspace(0, 1, 256), colortype="tuple")
    except Exception as error:
        raise ValueError(
            f"no color scale {name!r}; use a plotly one such as 'inferno', 'viridis' or 'cividis'"
        ) from error
    table: NDArray[np.uint8] = np.rint(np.array(colors) * 255).astype(np.uint8)
    table.flags.writeable = False  # all callers share it
    return table
