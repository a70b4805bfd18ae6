"""Explanations as ``.svg``: the picture with contours and names of words as vectors, for papers."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..core.evidence import Highlight
from ..core.explanation_data import ExplanationData
from ..core.regions import PixelBox
from .highlights import alt_text, chosen_highlights, text_of
from .lettering import (
    BANNER_COLOR,
    BANNER_LEADING,
    BANNER_PADDING,
    INK,
    banner_height,
    font_of,
    wrapped,
)
from .painting.chips import Chip, lay_out, text_size
from .painting.overview import HALF, chip_of, color_of, shapes_of
from .picture import portable_url

_LINE = 0.008  # width of a contour, as a fraction of the picture's short side
# Points per patch and axis. They sample the smoothed shapes that `Explanation.overlay` paints too; the front
# end draws its contours through unsmoothed maps, so its lines are close to these but not equal.
_SAMPLES = 4
_SMALLEST = 0.4  # in patches; closed lines around a smaller area are dropped as noise
# Their letters are about as wide as those of the font that measures the labels.
_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

# XML has no way to write these characters, not even as references (XML 1.0, section 2.2).
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Line = NDArray[np.float64]  # (N, 2): x, y; a line is closed if its last point equals its first


def write_svg(explanation: ExplanationData, path: Path) -> None:
    """Write the contours of the words that count; see `Explanation.to_svg`."""
    path.write_text(svg(explanation), encoding="utf-8")


def svg(
    explanation: ExplanationData,
    words: str | Sequence[str | int] | None = None,
    level: float = HALF,
) -> str:
    """Return the drawing of `Explanation.to_svg`.

    Raises:
        ValueError: the caption lacks a word, or the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}: give a fraction of the maximum, between 0 and 1")
    e, highlights = explanation, chosen_highlights(explanation, words)
    width, height = e.image.size
    chips = [chip_of(e, highlight) for highlight in highlights]
    names = [text_of(e, highlight.words) for highlight in highlights]
    size = text_size(e.image.size)
    font = font_of(e, size)
    sizes = [(round(font.getlength(name) + 0.9 * size), round(1.5 * size)) for name in names]
    boxes = lay_out(chips, sizes, e.image.size)
    lines = contour_lines(e, highlights, level)
    contours = [_contour(e, h, ls) for h, ls in zip(highlights, lines, strict=True)]
    labels = [_label(*item, size) for item in zip(chips, names, boxes, strict=True)]
    above, banner = _banner(e, size)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \
width="{width}" height="{above + height}" viewBox="0 {-above} {width} {above + height}" role="img">
<title>{_xml(e.caption)}</title>
<desc>{_xml(alt_text(e))}</desc>
<image width="{width}" height="{height}" preserveAspectRatio="none" xlink:href="{portable_url(e.image)}"/>
<g fill="none" stroke-linejoin="round">
{_joined(contours)}</g>
<g font-family="{_FONT}" font-size="{size}" fill="{INK}" text-anchor="middle">
{_joined(labels)}</g>
{banner}</svg>
"""


def _contour(e: ExplanationData, highlight: Highlight, lines: Sequence[Line]) -> str:
    """Return a highlight's lines: the colored ones above wider dark ones, to be visible on any background."""
    if not lines:
        return ""
    path, width = smooth_path(lines), max(1.5, _LINE * min(e.image.size))
    color = color_of(highlight)
    return (
        f'<path d="{path}" stroke="{INK}" stroke-opacity="0.75" stroke-width="{1.6 * width:.2f}"/>\n'
        f'<path d="{path}" stroke="{color}" stroke-width="{width:.2f}"/>'
    )


def _label(chip: Chip, name: str, box: PixelBox | None, size: int) -> str:
    """Return the dot at a highlight's peak, and its name if there is room for it."""
    (x, y), edge = chip.place, f'stroke="{INK}" stroke-width="{0.08 * size:.2f}"'
    dot = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{size / 4:.2f}" fill="{chip.color}" {edge}/>'
    if box is None:
        return dot
    x0, y0, x1, y1 = box
    text_x, text_y = (x0 + x1) / 2, (y0 + y1) / 2 + 0.35 * size  # the y of a text is its baseline
    return (
        f'{dot}\n<rect x="{x0}" y="{y0}" width="{x1 - x0}" height="{y1 - y0}" rx="{0.4 * size:.2f}" '
        f'fill="{chip.color}" {edge}/>\n'
        f'<text x="{text_x:.2f}" y="{text_y:.2f}">{_xml(name)}</text>'
    )


def _banner(e: ExplanationData, size: int) -> tuple[int, str]:
    """Return the height of the warning above the picture, and its drawing; 0 and "" if there is none."""
    if e.warning is None:
        return 0, ""
    lines = wrapped(e.warning, font_of(e, size), e.image.width - 2 * BANNER_PADDING * size)
    height = banner_height(len(lines), size)
    spans = [
        f'<tspan x="{BANNER_PADDING * size:.2f}" dy="{BANNER_LEADING * size:.2f}">{_xml(line)}</tspan>'
        for line in lines
    ]
    return height, (
        f'<rect y="{-height}" width="{e.image.width}" height="{height}" fill="{BANNER_COLOR}"/>\n'
        f'<text y="{BANNER_PADDING * size - height:.2f}" font-family="{_FONT}" font-size="{size}" '
        f'fill="{INK}">'
        f"{''.join(spans)}</text>\n"
    )


def _xml(text: str) -> str:
    """Return text for an element of XML, with the replacement character for those that XML lacks."""
    return html.escape(_NOT_IN_XML.sub("\ufffd", text))


def _joined(parts: Sequence[str]) -> str:
    return "".join(f"{part}\n" for part in parts if part)


def contour_lines(
    explanation: ExplanationData, highlights: Sequence[Highlight], level: float
) -> list[list[Line]]:
    """Return the lines around each highlight's strongest evidence.

    Args:
        explanation: the explanation.
        highlights: its highlights.
        level: the level of the lines, as a fraction of the highlight's maximum.

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

    return [lines(shape) for shape in shapes_of(e, highlights, size)]


def is_closed(line: Line) -> bool:
    """Return whether the last point of a line is its first."""
    return len(line) > 3 and bool((line[0] == line[-1]).all())


def smooth_path(lines: Sequence[Line]) -> str:
    """Return an SVG path with rounded corners, in coordinates of two decimals.

    It consists of quadratic curves between the midpoints of the edges, with the points as control points,
    as in ``js/src/core/contour.ts``.
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
    """Return the places of samples between two borders; the outer ones are on the borders."""
    places = start + (np.arange(count) + 0.5) * (end - start) / count
    places[0], places[-1] = start, end
    return places


def _area(line: Line) -> float:
    """Return the area inside a closed line."""
    (x, y), (u, v) = line[:-1].T, line[1:].T
    return float(abs((x * v - u * y).sum()) / 2)
