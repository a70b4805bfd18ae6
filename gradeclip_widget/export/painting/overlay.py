"""Paint one map over the picture in a color scale, or the highlights of all words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.evidence import SIGNS
from ...images import enlarge
from .color_scales import OPACITY, color_table
from .overview import dim_unseen, paint_overview

if TYPE_CHECKING:
    from ...core.explanation_data import ExplanationData, Maps

_FLOOR = 0.12  # minimum strength: how much the picture is darkened where it has no evidence


def overlay(
    explanation: ExplanationData,
    phrase: str | int | Sequence[str | int] | None,
    reading: str,
    opacity: float = OPACITY,
    color_scale: str = "inferno",
    sign: str | None = None,
    caption_map: bool = False,
) -> Image.Image:
    """Return the picture with one map or all highlights painted on; see `Explanation.overlay`."""
    e = explanation
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity={opacity}: give 0 to 1")
    if sign is not None and sign not in SIGNS:
        raise ValueError(f"sign={sign!r}: use one of {', '.join(map(repr, SIGNS))}")
    color_table(color_scale, sign or "positive")  # raises if it does not exist
    if caption_map and phrase is not None:
        raise ValueError(f"caption_map=True paints no single words: leave out {phrase!r}")
    if phrase is None and not caption_map and not e.reference:
        if sign not in (None, "positive"):
            raise ValueError(
                f"sign={sign!r} applies to a single map: give a word, or caption_map=True"
            )
        return paint_overview(e, opacity)
    values, top = e.raw_map(phrase, reading), 0.0
    if phrase is not None and not e.reference:
        values = e.phrase_map(phrase, reading, both_signs=True)
        top = float(np.abs(e.word_evidence(reading)).max())
        lowers = e.phrase_map(phrase, reading).sum() < 0
        sign = sign or ("negative" if lowers else "positive")
    sign = sign or "positive"
    return _paint(e, values, top, opacity, color_table(color_scale, sign), sign)


def _paint(
    explanation: ExplanationData,
    values: Maps,
    top: float,
    opacity: float,
    table: NDArray[np.uint8],
    sign: str,
) -> Image.Image:
    """Return the picture with a signed map (rows, cols) painted on, in the 256 colors of a table.

    An absolute value of ``top`` has the last color, or the map's largest of that sign if it is larger.
    """
    level, strength = _levels(values, sign, top)
    x0, y0, x1, y1 = (round(v) for v in explanation.cover)
    level, strength = (enlarge(a, (x1 - x0, y1 - y0)).clip(0, 1) for a in (level, strength))
    heat = Image.fromarray(table[np.rint(level * 255).astype(np.uint8)])
    # A diverging scale is light in the middle and would veil the picture.
    floor = _FLOOR if sign == "positive" else 0.0
    alpha = np.rint(255 * opacity * np.minimum(1, floor + 1.25 * strength))
    out = explanation.image.convert("RGB")
    out = dim_unseen(out, (x0, y0, x1, y1))
    out.paste(heat, (x0, y0), Image.fromarray(alpha.astype(np.uint8)))
    return out


def _levels(values: Maps, sign: str, top: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the position on the color scale and the strength of each patch, both (rows, cols) in 0..1."""
    part = values
    if sign != "both":
        part = np.maximum(values if sign == "positive" else -values, 0)
    whole = max(float(np.abs(part).max()), top, float(np.finfo(np.float32).tiny))
    scaled: Maps = np.clip(part / whole, -1, 1).astype(np.float32)
    if sign == "both":
        return np.float32(0.5) * (scaled + np.float32(1)), np.abs(scaled)
    return scaled, scaled
