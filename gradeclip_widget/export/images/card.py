"""A picture that explains itself: the painted picture, the caption, and below it what each word brings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from ...core.evidence import MEASURES
from ...core.explanation_data import ExplanationData
from ..painting.color_scales import color_table
from ..painting.overlay import overlay
from ..painting.overview import NEUTRAL_COLOR, color_of
from .banner import with_banner
from .chosen import Phrase, words_of
from .lettering import FAINT, INK, SOFT, Mark, draw_caption, font_of, readable, shorten

DENSITY = 1.5  # pixels of the file for one at which it is shown, so that text stays sharp
NARROWEST = 400  # pixels: a card that is narrower has no room for words
GROUND = "#ffffff"
_CHOSEN = "#f0a03c"  # of the words whose map is shown
# In pixels at which the card is shown.
_MARGIN, _TALLEST, _LEAST = 20, 500, 540
_CAPTION, _TEXT, _SMALL = 22, 15, 13
_ROW, _BAR, _ROWS = 25, 13, 8
_FINE = (
    2  # the text below the picture is drawn so many times larger, then shrunk, for smooth corners
)


@dataclass(frozen=True)
class _Row:
    """A bar: words, their importance in units of the score, and their color."""

    words: tuple[int, ...]
    value: float
    color: str


def draw_card(
    explanation: ExplanationData,
    phrase: Phrase | None,
    reading: str,
    width: int,
    density: float = DENSITY,
) -> Image.Image:
    """Return the card of `Explanation.static`.

    Args:
        explanation: what to show.
        phrase: whose map to paint, as in `Explanation.overlay`.
        reading: as in `Explanation.overlay`.
        width: of the card in pixels at which it is shown; less where the picture is tall.
        density: pixels of the card for one at which it is shown.

    Raises:
        ValueError: the card would be too narrow; or no such word or reading.
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
    """Return the picture as `Explanation.overlay` paints it, at the size at which it is shown.

    Contours and names are drawn at that size, so they are sharp also on a picture of few pixels.
    """
    return overlay(resized(explanation, within, density), phrase, reading)


def resized(
    explanation: ExplanationData, within: tuple[float, float], density: float = 1
) -> ExplanationData:
    """Return the explanation with its picture as large as a box (width, height) of pixels lets it be."""
    e = explanation
    scale = density * min(within[0] / e.image.width, within[1] / e.image.height)
    size = max(1, round(scale * e.image.width)), max(1, round(scale * e.image.height))
    across, down = size[0] / e.image.width, size[1] / e.image.height
    x0, y0, x1, y1 = e.cover
    image = e.image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return replace(e, image=image, cover=(x0 * across, y0 * down, x1 * across, y1 * down))


def marks_of(explanation: ExplanationData, phrase: Phrase | None) -> list[Mark]:
    """Return which words of the caption are on a color in a picture of a phrase, or of all words."""
    if phrase is not None:
        return [Mark(words_of(explanation, phrase), _CHOSEN)]
    if explanation.reference:  # one map of the whole caption, no hues
        return []
    return [Mark(h.words, color_of(h)) for h in explanation.highlights()]


class _Sheet:
    """What stands below the picture, drawn from top to bottom; see `_below`.

    Attributes:
        explanation: what it is about. ``phrase``: whose map the picture shows.
        unit: pixels for one of the card as shown.
        left, right: of the text, in pixels. ``y``: where the next part begins.
    """

    def __init__(
        self, explanation: ExplanationData, phrase: Phrase | None, width: int, unit: float
    ) -> None:
        self.explanation, self.phrase, self.unit = explanation, phrase, unit
        # Higher than the words of any caption; what is left over is cut off.
        self.image = Image.new("RGB", (width, round(2400 * unit)), GROUND)
        self.draw = ImageDraw.Draw(self.image)
        self.left, self.right, self.y = _MARGIN * unit, width - _MARGIN * unit, 0.0
        self.text, self.small = (font_of(explanation, size * unit) for size in (_TEXT, _SMALL))

    def caption(self) -> None:
        """Write the caption with its words on their colors."""
        marks = marks_of(self.explanation, self.phrase)
        place, width = (self.left, self.y), self.right - self.left
        size = _CAPTION * self.unit
        self.y = draw_caption(self.draw, self.explanation, marks, place, width, size)

    def facts(self) -> None:
        """Write the score, the method and the model, and beside them the color scale of a single map."""
        e, unit = self.explanation, self.unit
        middle, right = self.y + 14 * unit, self.right
        if self.phrase is not None or e.reference:
            right = self._legend(middle) - 16 * unit
        line = f"score {e.score:.3f}   ·   {e.method}   ·   {e.model}"
        text = shorten(line, self.text, right - self.left)
        self.draw.text((self.left, middle), text, SOFT, self.text, "lm")
        self.y += 38 * unit

    def _legend(self, middle: float) -> float:
        """Draw the color scale at the right; return the x where it begins."""
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
        """Draw the importance of words as bars, and say what the others bring."""
        e, unit, rows = self.explanation, self.unit, _rows(self.explanation, self.phrase)
        self.draw.line((self.left, self.y, self.right, self.y), FAINT, round(unit))
        title = (self.left, self.y + 18 * unit)
        measure = shorten(MEASURES[e.importance_measures[0]], self.small, self.right - self.left)
        self.draw.text(title, measure, SOFT, self.small, "lm")
        self.y += 32 * unit
        most = 0.3 * (self.right - self.left)
        names = [shorten(readable(e, row.words, self.text), self.text, most) for row in rows]
        longest = max((self.text.getlength(name) for name in names), default=0)
        start = self.left + longest + 10 * unit
        largest = max((abs(row.value) for row in rows), default=0) or 1
        scale = (self.right - start - 52 * unit) / largest  # the number stands beside the bar
        for row, name in zip(rows, names, strict=True):
            self._bar(row, name, start, start + max(unit, scale * abs(row.value)))
        rest = _rest(e, rows)
        if rest:
            self.draw.text((start, self.y + _ROW * unit / 2), rest, SOFT, self.small, "lm")
            self.y += _ROW * unit

    def _bar(self, row: _Row, name: str, start: float, end: float) -> None:
        unit, half = self.unit, _BAR * self.unit / 2
        y = self.y + _ROW * unit / 2
        self.draw.text((start - 10 * unit, y), name, INK, self.text, "rm")
        self.draw.rounded_rectangle((start, y - half, end, y + half), 3 * unit, row.color)
        self.draw.text((end + 8 * unit, y), f"{row.value:.3f}", INK, self.text, "lm")
        self.y += _ROW * unit


def _below(
    explanation: ExplanationData, phrase: Phrase | None, width: int, density: float
) -> Image.Image:
    """Return what stands below the picture, `width` pixels wide and as high as it needs to be."""
    sheet = _Sheet(explanation, phrase, width * _FINE, density * _FINE)
    sheet.caption()
    sheet.facts()
    sheet.bars()
    height = round(sheet.y / _FINE)
    return sheet.image.resize(
        (width, height), Image.Resampling.BOX, (0, 0, width * _FINE, height * _FINE)
    )


def _rows(e: ExplanationData, phrase: Phrase | None) -> list[_Row]:
    """Return the bars, the largest first: highlights in their colors, or single words and those chosen."""
    if phrase is None:
        neutral = e.reference
        rows = [
            _Row(h.words, h.importance, NEUTRAL_COLOR if neutral else color_of(h))
            for h in e.highlights()
        ]
        return sorted(rows, key=lambda row: -row.value)[:_ROWS]
    chosen = words_of(e, phrase)
    counting = {word for h in e.highlights() for word in h.words} | set(chosen)
    # Chosen words are never among those that are left out.
    kept = sorted(counting, key=lambda w: (w not in chosen, -e.word_importance[w]))[:_ROWS]
    return [
        _Row((w,), float(e.word_importance[w]), _CHOSEN if w in chosen else NEUTRAL_COLOR)
        for w in sorted(kept, key=lambda w: -e.word_importance[w])
    ]


def _rest(e: ExplanationData, rows: list[_Row]) -> str:
    """Say how many words have no bar, and what they bring together; nothing where all have one."""
    shown = {word for row in rows for word in row.words}
    others = [w for w in range(len(e.words)) if w not in shown]
    if not others:
        return ""
    together = float(e.word_importance[others].sum())
    count = "1 other word" if len(others) == 1 else f"{len(others)} other words, together"
    return f"{count} {together:.3f}"
