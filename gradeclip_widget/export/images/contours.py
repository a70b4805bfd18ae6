"""Contours of highlights as lines in the picture's pixels, for drawings that can be scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...core.evidence import Highlight
from ...core.explanation_data import ExplanationData
from ..painting.overview import shapes_of

_SAMPLES = 4  # for each patch and axis; curves are drawn between them
_SMALLEST = 0.4  # in patches; closed lines around a smaller area are dropped as noise

Line = NDArray[np.float64]  # (N, 2): x, y; closed where the first point is the last


def contour_lines(
    explanation: ExplanationData, found: Sequence[Highlight], level: float
) -> list[list[Line]]:
    """Return the lines around each highlight's strongest evidence.

    Args:
        explanation: whose highlights they are.
        found: the highlights.
        level: where to draw the lines, as a fraction of the highlight's maximum.

    Returns:
        The lines of each highlight in image pixels. Lines that leave the picture end at its border.
    """
    from contourpy import contour_generator

    e = explanation
    x0, y0, x1, y1 = e.cover
    rows, cols = e.patch_grid
    size = cols * _SAMPLES, rows * _SAMPLES
    xs, ys = _centers(x0, x1, size[0]), _centers(y0, y1, size[1])
    smallest = _SMALLEST * (x1 - x0) * (y1 - y0) / (rows * cols)

    def lines(shape: NDArray[np.float32]) -> list[Line]:
        contours = contour_generator(xs, ys, shape, line_type="Separate").lines(level)
        return [
            line
            for line in cast("list[Line]", contours)
            if not is_closed(line) or _area(line) >= smallest
        ]

    return [lines(shape) for shape in shapes_of(e, found, size)]


def is_closed(line: Line) -> bool:
    """Return whether a line ends where it begins."""
    return len(line) > 3 and bool((line[0] == line[-1]).all())


def smooth_path(lines: Sequence[Line]) -> str:
    """Return an SVG path with rounded corners, in coordinates of two decimals.

    It is made of quadratic curves between the middles of the lines' edges, with the points as controls, as
    in ``js/src/core/contour.ts``.
    """
    return "".join(_closed_path(ln) if is_closed(ln) else _open_path(ln) for ln in lines)


def _closed_path(line: Line) -> str:
    middles = (line[:-1] + line[1:]) / 2
    curves = zip(line[1:], [*middles[1:], middles[0]], strict=True)
    return f"M{_text(middles[0])}" + "".join(f"Q{_text(p)} {_text(m)}" for p, m in curves) + "Z"


def _open_path(line: Line) -> str:
    middles = (line[:-1] + line[1:]) / 2
    curves = zip(line[1:-1], middles[1:], strict=True)
    middle = "".join(f"Q{_text(p)} {_text(m)}" for p, m in curves)
    return f"M{_text(line[0])}{middle}L{_text(line[-1])}"


def _text(point: NDArray[np.float64]) -> str:
    return f"{point[0]:.2f} {point[1]:.2f}"


def _centers(start: float, end: float, count: int) -> NDArray[np.float64]:
    """Return where samples lie between two borders; the outer ones on them, so that lines reach them."""
    places = start + (np.arange(count) + 0.5) * (end - start) / count
    places[0], places[-1] = start, end
    return places


def _area(line: Line) -> float:
    """Return the area inside a closed line."""
    (x, y), (u, v) = line[:-1].T, line[1:].T
    return float(abs((x * v - u * y).sum()) / 2)
