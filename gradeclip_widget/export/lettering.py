"""Text in pictures: the caption with its words on their colors, and a warning above the picture."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ..core.explanation_data import ExplanationData
from .painting.fonts import Font, drawable, font_for

INK, SOFT, FAINT = "#14161a", "#5c6370", "#e6e8ec"  # text, what stands beside it, lines
BANNER_COLOR = "#ffd166"  # amber: not a hue of a word, and dark text is easy to read on it
# As fractions of the text size: the distance between lines, and the space around the text.
BANNER_LEADING, BANNER_PADDING = 1.4, 0.8
_NUMBERED = "Numbered words: no font here has their letters."
_SMALL = 0.6  # of the text size: that of this note
_LEADING = 1.6  # of the text size: from one line of the caption to the next
# Of the text size: how far a mark reaches beyond its words, and half its height.
_PAD, _HALF = 0.22, 0.66
_TOUCHED = 0.03  # of the text size: how far it reaches where punctuation touches the word


@dataclass(frozen=True)
class Mark:
    """A background behind words of the caption.

    Attributes:
        words: positions in the caption.
        color: "#RRGGBB", light enough for dark text.
    """

    words: tuple[int, ...]
    color: str


@dataclass(frozen=True)
class _Piece:
    """A word with the punctuation that touches it, placed.

    Attributes:
        word: its position in the caption.
        text: what to write, from `x`, in pixels from the left, in the line `line`.
        start, end: in pixels from the left, of the word alone.
        length: in pixels, of what is written.
    """

    word: int
    text: str
    x: float
    line: int
    start: float
    end: float
    length: float

    @property
    def pads(self) -> tuple[float, float]:
        """How far a mark reaches beyond the word on either side, of the text size: not over punctuation."""
        after = self.x + self.length > self.end
        return _TOUCHED if self.start > self.x else _PAD, _TOUCHED if after else _PAD


def font_of(explanation: ExplanationData, size: float) -> Font:
    """Return the font in which the most of the caption's words can be written, in a size in pixels."""
    return font_for(tuple(word.text for word in explanation.words), size)


def draw_caption(
    draw: ImageDraw.ImageDraw,
    explanation: ExplanationData,
    marks: Sequence[Mark],
    place: tuple[float, float],
    width: float,
    size: float,
) -> float:
    """Draw the caption, wrapped, with the marked words on their colors.

    Where no font has the letters of a word, a line below says what the number in its place is.

    Args:
        draw: what to draw on.
        explanation: whose caption it is.
        marks: which words to mark; neighbors of one mark share its background.
        place: (x, y) in pixels of the top left corner.
        width: of a line, in pixels.
        size: of the text, in pixels.

    Returns:
        The y below it. The marks do not change it.
    """
    font, (left, top) = font_of(explanation, size), place
    pieces = _pieces(explanation, font, width)
    mark_of = {word: mark for mark in marks for word in mark.words}

    def middle(piece: _Piece) -> float:
        return top + (piece.line + 0.5) * _LEADING * size

    for (mark, _), group in itertools.groupby(pieces, lambda p: (mark_of.get(p.word), p.line)):
        run = list(group)
        if mark is not None:
            x0, x1 = run[0].start - run[0].pads[0] * size, run[-1].end + run[-1].pads[1] * size
            y = middle(run[0])
            box = (left + x0, y - _HALF * size, left + x1, y + _HALF * size)
            draw.rounded_rectangle(box, 0.3 * size, mark.color)
    for piece in pieces:
        draw.text((left + piece.x, middle(piece)), piece.text, INK, font, "lm")
    below = top + (1 + max((piece.line for piece in pieces), default=0)) * _LEADING * size
    if not any(is_numbered(explanation, w, font) for w in range(len(explanation.words))):
        return below
    small = font_of(explanation, _SMALL * size)
    note = shorten(_NUMBERED, small, width)
    draw.text((left, below + 0.5 * _LEADING * _SMALL * size), note, SOFT, small, "lm")
    return below + _LEADING * _SMALL * size


def readable(explanation: ExplanationData, words: Sequence[int], font: Font) -> str:
    """Return words as text, "word 3" in place of one whose letters the font lacks."""
    return " ".join(drawable(explanation.words[w].text, f"word {w + 1}", font) for w in words)


def is_numbered(explanation: ExplanationData, word: int, font: Font) -> bool:
    """Return whether a number stands in a word's place, since the font lacks its letters."""
    return not drawable(explanation.words[word].text, "", font)


def shorten(text: str, font: Font, width: float) -> str:
    """Return the text, cut with an ellipsis where it is wider than a number of pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."


def _pieces(e: ExplanationData, font: Font, width: float) -> list[_Piece]:
    """Return the caption's words with their punctuation, placed in lines of a width."""
    space = 2.5 * font.getlength(" ")  # leaves room for a mark on either side
    x, line, pieces = 0.0, 0, []
    for n, (head, word, tail) in enumerate(_texts(e, font)):
        text = shorten(head + word + tail, font, width)
        length = font.getlength(text)
        if x and x + length > width:
            x, line = 0.0, line + 1
        start = x + font.getlength(head)
        end = min(start + font.getlength(word), x + length)
        pieces.append(_Piece(n, text, x, line, start, end, length))
        x += length + space
    return pieces


def _texts(e: ExplanationData, font: Font) -> list[tuple[str, str, str]]:
    """Return each word between the punctuation that touches it on either side."""
    ends = [*(word.start for word in e.words[1:]), len(e.caption)]
    texts, head = [], e.caption[: e.words[0].start].strip()
    for n, (word, end) in enumerate(zip(e.words, ends, strict=True)):
        tail, _, rest = e.caption[word.end : end].partition(" ")
        if n == len(e.words) - 1:
            tail, rest = tail + rest, ""
        before, after = (drawable(mark, "", font) for mark in (head, tail.strip()))
        texts.append((before, readable(e, [n], font), after))
        head = rest.strip()
    return texts


def with_banner(picture: Image.Image, text: str | None, size: float) -> Image.Image:
    """Return a picture with a warning above it, as wide as the picture; itself where there is none.

    Args:
        picture: RGB.
        text: the warning, or ``None``.
        size: of the text, in pixels.
    """
    if text is None:
        return picture
    font = font_for(tuple(text.split()), size)
    lines = wrapped(text, font, picture.width - 2 * BANNER_PADDING * size)
    height = banner_height(len(lines), size)
    out = Image.new("RGB", (picture.width, height + picture.height), BANNER_COLOR)
    draw = ImageDraw.Draw(out)
    for n, line in enumerate(lines):
        y = (BANNER_PADDING + (n + 0.5) * BANNER_LEADING) * size
        draw.text((BANNER_PADDING * size, y), line, INK, font, "lm")
    out.paste(picture, (0, height))
    return out


def banner_height(lines: int, size: float) -> int:
    """Return the height in pixels of a banner of so many lines of text."""
    return round((2 * BANNER_PADDING + lines * BANNER_LEADING) * size)


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Return the lines of a text that fit a width in pixels; a word that is wider stands alone."""
    longest = max(1, len(text))
    while longest > 1:
        lines = textwrap.wrap(text, longest, break_long_words=False, break_on_hyphens=False)
        if all(font.getlength(line) <= width or " " not in line for line in lines):
            return lines
        longest -= 1
    return text.split()
