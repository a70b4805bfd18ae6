"""Explanations as ``.svg``: contours and names of words as vectors over the picture, for papers."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from ...core.evidence import Highlight
from ...core.explanation_data import ExplanationData
from ...core.regions import PixelBox
from ..formats import writes
from ..painting.chips import Chip, lay_out, text_size
from ..painting.overview import HALF, chip_of, color_of
from ..picture import portable_url
from .alt_text import alt_text
from .banner import GROUND, LEADING, PAD, banner_height, wrapped
from .chosen import chosen_highlights, text_of
from .contours import Line, contour_lines, smooth_path
from .lettering import INK, font_of

_LINE = 0.008  # width of a contour, of the picture's short side
# The fonts' letters are about as wide as those that are measured.
_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


@writes(".svg")
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
        ValueError: no such word, or no such level.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}: give a fraction of the maximum, between 0 and 1")
    e, found = explanation, chosen_highlights(explanation, words)
    width, height = e.image.size
    chips = [chip_of(e, highlight) for highlight in found]
    names = [text_of(e, highlight.words) for highlight in found]
    size = text_size(e.image.size)
    font = font_of(e, size)
    sizes = [(round(font.getlength(name) + 0.9 * size), round(1.5 * size)) for name in names]
    boxes = lay_out(chips, sizes, e.image.size)
    lines = contour_lines(e, found, level)
    contours = [_contour(e, h, ls) for h, ls in zip(found, lines, strict=True)]
    labels = [_label(*item, size) for item in zip(chips, names, boxes, strict=True)]
    above, banner = _banner(e, size)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \
width="{width}" height="{above + height}" viewBox="0 {-above} {width} {above + height}" role="img">
<title>{html.escape(e.caption)}</title>
<desc>{html.escape(alt_text(e))}</desc>
<image width="{width}" height="{height}" preserveAspectRatio="none" xlink:href="{portable_url(e.image)}"/>
<g fill="none" stroke-linejoin="round">
{_joined(contours)}</g>
<g font-family="{_FONT}" font-size="{size}" fill="{INK}" text-anchor="middle">
{_joined(labels)}</g>
{banner}</svg>
"""


def _contour(e: ExplanationData, highlight: Highlight, lines: Sequence[Line]) -> str:
    """Return a highlight's lines: a dark one below, so that the color shows on any ground."""
    if not lines:
        return ""
    path, width = smooth_path(lines), max(1.5, _LINE * min(e.image.size))
    color = color_of(highlight)
    return (
        f'<path d="{path}" stroke="{INK}" stroke-opacity="0.75" stroke-width="{1.6 * width:.2f}"/>\n'
        f'<path d="{path}" stroke="{color}" stroke-width="{width:.2f}"/>'
    )


def _label(chip: Chip, name: str, box: PixelBox | None, size: int) -> str:
    """Return the dot at a highlight's peak, and its name where there is room for it."""
    (x, y), edge = chip.place, f'stroke="{INK}" stroke-width="{0.08 * size:.2f}"'
    dot = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{size / 4:.2f}" fill="{chip.color}" {edge}/>'
    if box is None:
        return dot
    x0, y0, x1, y1 = box
    text_x, text_y = (x0 + x1) / 2, (y0 + y1) / 2 + 0.35 * size  # letters stand on their baseline
    return (
        f'{dot}\n<rect x="{x0}" y="{y0}" width="{x1 - x0}" height="{y1 - y0}" rx="{0.4 * size:.2f}" '
        f'fill="{chip.color}" {edge}/>\n'
        f'<text x="{text_x:.2f}" y="{text_y:.2f}">{html.escape(name)}</text>'
    )


def _banner(e: ExplanationData, size: int) -> tuple[int, str]:
    """Return the height of the warning above the picture, and its drawing; nothing where there is none."""
    if e.warning is None:
        return 0, ""
    lines = wrapped(e.warning, font_of(e, size), e.image.width - 2 * PAD * size)
    height = banner_height(len(lines), size)
    spans = [
        f'<tspan x="{PAD * size:.2f}" dy="{LEADING * size:.2f}">{html.escape(line)}</tspan>'
        for line in lines
    ]
    return height, (
        f'<rect y="{-height}" width="{e.image.width}" height="{height}" fill="{GROUND}"/>\n'
        f'<text y="{PAD * size - height:.2f}" font-family="{_FONT}" font-size="{size}" fill="{INK}">'
        f"{''.join(spans)}</text>\n"
    )


def _joined(parts: Sequence[str]) -> str:
    return "".join(f"{part}\n" for part in parts if part)
