"""Explanations as ``.gif``: all words together, then each word with its map."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from ..core.evidence import Highlight
from ..core.explanation_data import IN_CAPTION, ExplanationData
from .card import GROUND, NARROWEST, marks_of, resized
from .highlights import alt_text, chosen_highlights
from .lettering import (
    SOFT,
    Mark,
    caption_height,
    draw_caption,
    font_of,
    readable,
    shorten,
    with_banner,
)
from .painting.chips import draw_chips
from .painting.overlay import overlay
from .painting.overview import chip_of, color_of

WIDTH, SECONDS = 640, 1.4
_FIRST = 1.6  # duration of the first frame, which has more to see, relative to the others
_TALLEST, _MARGIN, _CAPTION, _TEXT = 480, 14, 20, 15  # pixels
_FINE = 2
_COLORS = 256


def write_gif(explanation: ExplanationData, path: Path) -> None:
    """Write the animation of the words that count; see `Explanation.to_gif`."""
    path.write_bytes(gif(explanation))


def gif(
    explanation: ExplanationData,
    words: str | Sequence[str | int] | None = None,
    reading: str = IN_CAPTION,
    width: int = WIDTH,
    seconds: float = SECONDS,
) -> bytes:
    """Return the encoded animation of `Explanation.to_gif`.

    Raises:
        ValueError: a word or the reading does not exist, or the width or the time is outside its limits.
    """
    if width < NARROWEST:
        raise ValueError(f"width={width}: give at least {NARROWEST} pixels")
    if not 0.1 <= seconds <= 60:
        raise ValueError(f"seconds={seconds}: give 0.1 to 60 for each word")
    first, *rest = (_quantized(frame) for frame in frames(explanation, words, reading, width))
    # The format counts hundredths of a second, Pillow takes thousandths.
    each = 10 * round(100 * seconds)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=rest,
        duration=[round(_FIRST * each / 10) * 10, *([each] * len(rest))] if rest else each,
        loop=0,
        comment=alt_text(explanation).encode(),
    )
    return buffer.getvalue()


def frames(
    explanation: ExplanationData,
    words: str | Sequence[str | int] | None,
    reading: str,
    width: int,
) -> list[Image.Image]:
    """Return the frames, all of one size: all words together, then each word."""
    highlights = chosen_highlights(explanation, words)
    e = resized(explanation, (width - 2 * _MARGIN, _TALLEST))
    together = _frame(e, overlay(e, None, reading), marks_of(e, None), f"score {e.score:.3f}")
    return [together, *(_frame_of(e, highlight, reading) for highlight in highlights)]


def _frame_of(e: ExplanationData, highlight: Highlight, reading: str) -> Image.Image:
    """Return one word's frame: its map, and its name in the picture and in the caption."""
    color = color_of(highlight)
    picture = overlay(e, list(highlight.words), reading)
    picture = draw_chips(picture, [chip_of(e, highlight)])
    name = readable(e, highlight.words, font_of(e, _TEXT * _FINE))
    line = f"{name}: {highlight.importance:.3f} of the score {e.score:.3f}"
    return _frame(e, picture, [Mark(highlight.words, color)], line)


def _frame(
    e: ExplanationData, picture: Image.Image, marks: Sequence[Mark], line: str
) -> Image.Image:
    """Return a picture above the caption and a line of text."""
    inner = max(picture.width, NARROWEST - 2 * _MARGIN)
    width, left = inner + 2 * _MARGIN, _MARGIN * _FINE
    text_size = inner * _FINE, _CAPTION * _FINE
    height = round(caption_height(e, *text_size) / _FINE) + 26 + _MARGIN
    large = Image.new("RGB", (width * _FINE, height * _FINE), GROUND)
    draw, font = ImageDraw.Draw(large), font_of(e, _TEXT * _FINE)
    y = draw_caption(draw, e, marks, (left, 0), *text_size)
    text = shorten(line, font, inner * _FINE)
    draw.text((left, y + 13 * _FINE), text, SOFT, font, "lm")
    below = large.resize((width, height), Image.Resampling.BOX)
    frame = Image.new("RGB", (width, picture.height + 2 * _MARGIN + height), GROUND)
    frame.paste(picture, (_MARGIN + (inner - picture.width) // 2, _MARGIN))
    frame.paste(below, (0, picture.height + 2 * _MARGIN))
    return with_banner(frame, e.warning, _TEXT)


def _quantized(frame: Image.Image) -> Image.Image:
    """Return a frame with a palette of 256 colors, dithered so that maps have no visible bands."""
    palette = frame.quantize(_COLORS, Image.Quantize.MEDIANCUT)
    return frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
