"""A card: the painted picture, the caption, and bars of the importance of its words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from ..core.evidence import MEASURES, UNSEEN
from ..core.explanation_data import ExplanationData
from ..core.match import describe_match
from .highlights import Phrase, words_of
from .lettering import (
    FAINT,
    INK,
    SOFT,
    Mark,
    caption_height,
    draw_caption,
    font_of,
    readable,
    shorten,
    with_banner,
)
from .painting.color_scales import color_table
from .painting.overlay import overlay
from .painting.overview import NEUTRAL_COLOR, color_of

DENSITY = 1.5  # pixels of the file per display pixel, so that text is sharp
NARROWEST = 400  # minimum width in pixels: a narrower card has no room for words
GROUND = "#ffffff"
_CHOSEN = "#f0a03c"  # color of the words whose map is shown
_PALE = "#e4d9f0"  # behind words of the caption that lower the score
_AGAINST, _REST = (
    "#6a3d9a",
    "#c9ced8",
)  # bars of words that lower the score, and bars of no single word
# In display pixels:
_MARGIN, _TALLEST, _LEAST = 20, 500, 540
_CAPTION, _TEXT, _SMALL = 22, 15, 13
_ROW, _BAR, _ROWS = 25, 13, 8
_REST_HEIGHT = 100 + _ROW * (_ROWS + 4)  # at most, of the facts and the bars
_FINE = 2  # scale at which the text below the picture is drawn, then shrunk for smooth edges


@dataclass(frozen=True)
class _Row:
    """A bar.

    Attributes:
        words: positions of its words in the caption; empty if it has a ``name``.
        start, end: its ends, in units of the score.
        color: of the bar.
        text: the number at its end.
        name: its label.
    """

    words: tuple[int, ...]
    start: float
    end: float
    color: str
    text: str
    name: str = ""


def draw_card(
    explanation: ExplanationData,
    phrase: Phrase | None,
    reading: str,
    width: int,
    density: float = DENSITY,
) -> Image.Image:
    """Return the card of `Explanation.static`.

    Args:
        explanation: the explanation to show.
        phrase: the word or phrase whose map to paint, as in `Explanation.overlay`.
        reading: as in `Explanation.overlay`.
        width: maximum width of the card in display pixels; less if the picture is tall.
        density: pixels of the card per display pixel.

    Raises:
        ValueError: the width is too small, or the word or reading does not exist.
    """
    if width < NARROWEST:
        raise ValueError(f"width={width}: give at least {NARROWEST} pixels")
    picture = painted(explanation, phrase, reading, (width - 2 * _MARGIN, _TALLEST), density)
    least = min(width, _LEAST) - 2 * _MARGIN
    inner = max(picture.width, round(least * density))
    margin = round(_MARGIN * density)
    below = _below(explanation, phrase, inner + 2 * margin, density)
    size = inner + 2 * margin, picture.height + below.height + 3 * margin
    card = Image.new("RGB", size, GROUND)
    card.paste(picture, (margin + (inner - picture.width) // 2, margin))
    card.paste(below, (0, picture.height + 2 * margin))
    return with_banner(card, explanation.warning, _TEXT * density)


def painted(
    explanation: ExplanationData,
    phrase: Phrase | None,
    reading: str,
    within: tuple[float, float],
    density: float = 1,
) -> Image.Image:
    """Return the picture of `Explanation.overlay` at its display size.

    Contours and names are drawn at that size, so they are sharp even on a small picture.
    """
    return overlay(resized(explanation, within, density), phrase, reading)


def resized(
    explanation: ExplanationData, within: tuple[float, float], density: float = 1
) -> ExplanationData:
    """Return the explanation with its picture scaled to fit a box (width, height) of pixels."""
    e = explanation
    scale = density * min(within[0] / e.image.width, within[1] / e.image.height)
    size = max(1, round(scale * e.image.width)), max(1, round(scale * e.image.height))
    across, down = size[0] / e.image.width, size[1] / e.image.height
    x0, y0, x1, y1 = e.cover
    image = e.image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return replace(e, image=image, cover=(x0 * across, y0 * down, x1 * across, y1 * down))


def marks_of(explanation: ExplanationData, phrase: Phrase | None) -> list[Mark]:
    """Return the words of the caption to mark with a color, in a picture of a phrase or of all words."""
    if phrase is not None:
        return [Mark(words_of(explanation, phrase), _CHOSEN)]
    if explanation.reference:  # one map of the whole caption, no hues
        return []
    raising = [Mark(h.words, color_of(h)) for h in explanation.highlights()]
    return raising + [Mark((w,), _PALE) for w in explanation.lowering_words()]


class _Sheet:
    """The part of the card below the picture, drawn from top to bottom; see `_below`.

    Attributes:
        explanation: the explanation. ``phrase``: the phrase whose map the picture shows.
        unit: pixels of the drawing per display pixel.
        left, right: ends of the text, in pixels. ``y``: top of the next part.
    """

    def __init__(
        self, explanation: ExplanationData, phrase: Phrase | None, width: int, unit: float
    ) -> None:
        self.explanation, self.phrase, self.unit = explanation, phrase, unit
        self.left, self.right, self.y = _MARGIN * unit, width - _MARGIN * unit, 0.0
        caption = caption_height(explanation, self.right - self.left, _CAPTION * unit)
        # The unused part is cut off.
        self.image = Image.new("RGB", (width, round(caption + _REST_HEIGHT * unit)), GROUND)
        self.draw = ImageDraw.Draw(self.image)
        self.text, self.small = (font_of(explanation, size * unit) for size in (_TEXT, _SMALL))

    def caption(self) -> None:
        """Write the caption with its words on their colors."""
        marks = marks_of(self.explanation, self.phrase)
        place, width = (self.left, self.y), self.right - self.left
        size = _CAPTION * self.unit
        self.y = draw_caption(self.draw, self.explanation, marks, place, width, size)

    def facts(self) -> None:
        """Write the score, the method and the model, and draw the color scale of a single map."""
        e, unit = self.explanation, self.unit
        middle, right = self.y + 14 * unit, self.right
        if self.phrase is not None or e.reference:
            right = self._legend(middle) - 16 * unit
        parts = [f"score {e.score:.3f}"]
        if e.unrelated_scores is not None:
            parts.append(describe_match(e.score, e.unrelated_scores))
        line = "   ·   ".join([*parts, e.method, e.model_label])
        text = shorten(line, self.text, right - self.left)
        self.draw.text((self.left, middle), text, SOFT, self.text, "lm")
        self.y += 38 * unit

    def _legend(self, middle: float) -> float:
        """Draw the color scale on the right; return the x of its left end."""
        unit, size = self.unit, (round(80 * self.unit), round(10 * self.unit))
        table = Image.fromarray(color_table("inferno", "positive")[None])
        x = self.right - self.small.getlength("most")
        self.draw.text((x, middle), "most", SOFT, self.small, "lm")
        x -= 6 * unit + size[0]
        strip = table.resize(size, Image.Resampling.BILINEAR)
        self.image.paste(strip, (round(x), round(middle - size[1] / 2)))
        x -= 6 * unit
        self.draw.text((x, middle), "none", SOFT, self.small, "rm")
        return x - self.small.getlength("none")

    def bars(self) -> None:
        """Draw the importance of words as bars, which add up to the score if the measure's values do."""
        e, unit, rows = self.explanation, self.unit, _rows(self.explanation, self.phrase)
        self.draw.line((self.left, self.y, self.right, self.y), FAINT, round(unit))
        title = (self.left, self.y + 18 * unit)
        measure = shorten(MEASURES[e.importance_measures[0]], self.small, self.right - self.left)
        self.draw.text(title, measure, SOFT, self.small, "lm")
        self.y += 32 * unit
        most = 0.3 * (self.right - self.left)
        names = [
            shorten(row.name or readable(e, row.words, self.text), self.text, most) for row in rows
        ]
        longest = max((self.text.getlength(name) for name in names), default=0)
        start = self.left + longest + 10 * unit
        low = min(0.0, *(min(row.start, row.end) for row in rows))
        high = max(max(row.start, row.end) for row in rows)
        scale = (self.right - start - 60 * unit) / (
            (high - low) or 1
        )  # room for the number at the end
        for row, name in zip(rows, names, strict=True):
            ends = sorted(start + scale * (value - low) for value in (row.start, row.end))
            self._bar(row, name, start, (ends[0], max(ends[1], ends[0] + unit)))

    def _bar(self, row: _Row, name: str, start: float, ends: tuple[float, float]) -> None:
        unit, half = self.unit, _BAR * self.unit / 2
        y = self.y + _ROW * unit / 2
        self.draw.text((start - 10 * unit, y), name, INK, self.text, "rm")
        box = (ends[0], y - half, ends[1], y + half)
        if row.end < row.start:
            self._hatched(box, row.color)
        else:
            self.draw.rounded_rectangle(box, 3 * unit, row.color)
        self.draw.text((self.right, y), row.text, INK, self.text, "rm")
        self.y += _ROW * unit

    def _hatched(self, box: tuple[float, float, float, float], color: str) -> None:
        """Fill a box with slanted lines, which distinguish it without color."""
        x0, y0, x1, y1 = map(round, box)
        size = max(1, x1 - x0), max(1, y1 - y0)
        lines = Image.new("RGB", size, GROUND)
        draw, step = ImageDraw.Draw(lines), round(5 * self.unit)
        for x in range(-size[1], size[0] + size[1], step):
            draw.line((x, size[1], x + size[1], 0), color, max(1, round(2 * self.unit)))
        draw.rectangle(
            (0, 0, size[0] - 1, size[1] - 1), outline=color, width=max(1, round(self.unit))
        )
        self.image.paste(lines, (x0, y0))


def _below(
    explanation: ExplanationData, phrase: Phrase | None, width: int, density: float
) -> Image.Image:
    """Return the part of the card below the picture, ``width`` pixels wide."""
    sheet = _Sheet(explanation, phrase, width * _FINE, density * _FINE)
    sheet.caption()
    sheet.facts()
    sheet.bars()
    height = round(sheet.y / _FINE)
    return sheet.image.resize(
        (width, height), Image.Resampling.BOX, (0, 0, width * _FINE, height * _FINE)
    )


def _rows(e: ExplanationData, phrase: Phrase | None) -> list[_Row]:
    """Return the bars: highlights or single words, the largest first, then words that lower the score.

    If the values of the measure add up, each bar begins where the previous one ends, from the base to the
    score. The remaining words share a bar.
    """
    chosen = () if phrase is None else words_of(e, phrase)
    values, highlights = e.word_importance, e.highlights()
    if phrase is None:
        colors = {h.words: NEUTRAL_COLOR if e.reference else color_of(h) for h in highlights}
    else:
        counting = {word for h in highlights for word in h.words} | set(chosen)
        colors = {(w,): _CHOSEN if w in chosen else NEUTRAL_COLOR for w in counting}
    colors |= {(w,): _AGAINST for w in e.lowering_words() if (w,) not in colors}
    added = {words: float(values[list(words)].sum()) for words in colors}
    # Chosen words always have their own bar.
    largest = sorted(colors, key=lambda words: (words[0] not in chosen, -abs(added[words])))[:_ROWS]
    largest.sort(key=lambda words: -added[words])
    base = e.base()
    at, rows = base or 0.0, []
    if base is not None and abs(base) >= UNSEEN:
        rows.append(_Row((), 0, base, _REST, f"{base:.3f}", "empty caption"))
    for words in largest:
        begin = at if base is not None else 0.0
        at = begin + added[words]
        rows.append(_Row(words, begin, at, colors[words], f"{added[words]:+.3f}"))
    read = {w for w in range(len(e.words)) if not e.unread[w]}
    rest = read.difference(*largest)
    together = float(values[list(rest)].sum())
    if rest:
        name = "1 other word" if len(rest) == 1 else f"{len(rest)} other words"
        begin = at if base is not None else 0.0
        rows.append(_Row((), begin, begin + together, _REST, f"{together:+.3f}", name))
        at = begin + together
    if base is not None:
        if abs(e.score - at) >= UNSEEN:
            rows.append(_Row((), at, e.score, _REST, f"{e.score - at:+.3f}", "unknown words"))
        rows.append(_Row((), 0, e.score, INK, f"{e.score:.3f}", "this caption"))
    return rows
