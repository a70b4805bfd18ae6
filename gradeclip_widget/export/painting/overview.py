"""Paint the highlights of an explanation over the picture, each in its own hue."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from .chips import Chip, draw_chips

if TYPE_CHECKING:
    from ...core.evidence import Highlight
    from ...core.explanation_data import ExplanationData
    from ...core.regions import PixelBox

# Okabe & Ito (2008), which color-blind readers can tell apart: orange, sky blue, bluish green, reddish
# purple, yellow, vermillion.
HUE_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#D55E00")
NEUTRAL_COLOR = "#BFC4CC"
_VEIL, _GRAY = 0.18, 0.5  # how dark and how gray the picture is without evidence, times the opacity
_DIM = 0.6  # how dark the part that the model did not see is
HALF = 0.5  # level of a highlight's contour, as a fraction of its maximum
_SMOOTH = 0.45  # standard deviation of the smoothing between patches, in patches
_LETTERS = 24  # maximum length of a chip's text, if its first word is not longer
_LONGEST = 40  # letters of a word; a longer one, as an address, is cut off
_LONG_SIDE = 1024  # maximum side in pixels at which hues and contours are drawn
_LINE = 0.006  # width of the contour, as a fraction of the picture's short side

Pixels = NDArray[np.float32]


def paint_overview(explanation: ExplanationData, opacity: float) -> Image.Image:
    """Return the picture with all highlights painted on, with contours and names; see `Explanation.overlay`.

    The strength of a highlight at a pixel is its evidence there divided by its maximum, times the square root
    of its importance divided by the largest importance; the root keeps less important highlights visible. The
    opacity of a pixel follows the strongest highlight; its color is the mean of the hues, weighted by
    strength.
    """
    e = explanation
    x0, y0, x1, y1 = (round(v) for v in e.cover)
    image, highlights = e.image.convert("RGB"), e.highlights()
    image = Image.blend(image, image.convert("L").convert("RGB"), _GRAY * opacity)
    image = Image.blend(image, Image.new("RGB", image.size), _VEIL * opacity)
    image = dim_unseen(image, (x0, y0, x1, y1))
    if highlights:
        layer = _layer(e, highlights, (x1 - x0, y1 - y0), opacity)
        image.paste(layer.convert("RGB"), (x0, y0), layer.getchannel("A"))
    return draw_chips(image, [chip_of(e, h) for h in highlights])


def dim_unseen(image: Image.Image, visible: PixelBox) -> Image.Image:
    """Return the picture darkened outside the box (in pixels) that the model saw."""
    if visible == (0, 0, *image.size):
        return image
    out = Image.blend(image, Image.new("RGB", image.size), _DIM)
    out.paste(image.crop(visible), visible[:2])
    return out


def color_of(highlight: Highlight) -> str:
    """Return the color of a highlight as "#RRGGBB"."""
    return NEUTRAL_COLOR if highlight.hue is None else HUE_COLORS[highlight.hue]


def _layer(
    e: ExplanationData, highlights: Sequence[Highlight], size: tuple[int, int], opacity: float
) -> Image.Image:
    """Return the hues and contours of all highlights, RGBA, (width, height) = ``size``."""
    reduced = min(1.0, _LONG_SIDE / max(size))  # the layer is smooth, so it can be enlarged later
    width, height = (max(1, round(reduced * side)) for side in size)
    shapes = shapes_of(e, highlights, (width, height))
    colors = [np.array(ImageColor.getrgb(color_of(h)), np.float32) for h in highlights]
    largest = max(h.importance for h in highlights)
    weights = [float(np.sqrt(h.importance / largest)) for h in highlights]
    rgb, alpha = _wash(shapes, weights, colors, opacity)
    line = max(1.5, _LINE * reduced * min(e.image.size))
    for shape, color in zip(shapes, colors, strict=True):
        _draw_contour(rgb, alpha, shape, color, line)
    pixels = np.dstack([rgb, 255 * alpha[..., None]])
    layer = Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8), "RGBA")
    return layer if layer.size == size else layer.resize(size, Image.Resampling.BICUBIC)


def shapes_of(
    e: ExplanationData, highlights: Sequence[Highlight], size: tuple[int, int]
) -> list[Pixels]:
    """Return each highlight's evidence divided by its maximum, smoothed, (height, width) in 0..1."""
    evidence = e.word_evidence()
    across, down = _between(size[0], e.patch_grid[1]), _between(size[1], e.patch_grid[0])
    return [_unit(down @ evidence[list(h.words)].sum(0) @ across.T) for h in highlights]


def _unit(values: Pixels) -> Pixels:
    """Return values divided by their maximum."""
    scaled: Pixels = values / max(float(values.max()), float(np.finfo(np.float32).tiny))
    return scaled


def _between(pixels: int, patches: int) -> Pixels:
    """Return weights (pixels, patches) that blend patches smoothly, so that contours have no corners."""
    places = (np.arange(pixels) + 0.5) * patches / pixels - 0.5
    weights = np.exp(-0.5 * ((places[:, None] - np.arange(patches)) / _SMOOTH) ** 2)
    blended: Pixels = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return blended


def _wash(
    shapes: Sequence[Pixels], weights: Sequence[float], colors: Sequence[Pixels], opacity: float
) -> tuple[Pixels, Pixels]:
    """Blend the hues by strength; return colors (h, w, 3) in 0..255 and opacities (h, w) in 0..1."""
    strengths = np.stack(shapes) * np.array(weights, np.float32)[:, None, None]
    total = strengths.sum(0) + np.finfo(np.float32).tiny
    mixed = np.tensordot(strengths, np.stack(colors), (0, 0)) / total[..., None]
    return mixed, np.float32(opacity) * np.minimum(1, np.float32(1.25) * strengths.max(0))


def _draw_contour(rgb: Pixels, alpha: Pixels, shape: Pixels, color: Pixels, line: float) -> None:
    """Draw a line with dark edges into ``rgb`` and ``alpha`` at half of a shape's maximum."""
    if min(shape.shape) < 2:
        return  # too small for a gradient
    slope = np.hypot(*np.gradient(shape))
    # In pixels, to first order.
    distance = np.abs(shape - HALF) / np.maximum(slope, np.float32(1e-6))
    for width, ink, opacity in ((line + 2, np.zeros(3, np.float32), 0.45), (line, color, 1.0)):
        near = np.nonzero(distance < width / 2 + 0.5)
        over = np.float32(opacity) * np.minimum(1, np.float32(width / 2 + 0.5) - distance[near])
        beneath = alpha[near] * (1 - over)
        alpha[near] = over + beneath
        parts = over[:, None] * ink + beneath[:, None] * rgb[near]
        rgb[near] = parts / np.maximum(alpha[near], np.float32(1e-6))[:, None]


def chip_of(e: ExplanationData, highlight: Highlight) -> Chip:
    """Return the chip that names a highlight at its peak."""
    x0, y0, x1, y1 = e.cover
    rows, cols = e.patch_grid
    row, col = highlight.peak
    place = x0 + (col + 0.5) * (x1 - x0) / cols, y0 + (row + 0.5) * (y1 - y0) / rows
    texts = (e.words[w].text for w in highlight.words)
    head, *rest = (f"{t[:_LONGEST]}..." if len(t) > _LONGEST + 3 else t for t in texts)
    room = max(_LETTERS, len(head) + len(" ..."))
    text = textwrap.shorten(" ".join([head, *rest]), room, placeholder=" ...")
    first, last = highlight.words[0] + 1, highlight.words[-1] + 1
    number = f"word {first}" if first == last else f"words {first}-{last}"
    return Chip(text, number, place, color_of(highlight), highlight.importance)
