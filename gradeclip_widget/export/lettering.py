"""Text in pictures: the caption with its words on their colors, and a warning above the picture."""

from __future__ import annotations

import bisect
import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from ..core.explanation_data import ExplanationData
from .painting.fonts import Font, drawable, font_for

INK, SOFT, FAINT = "#14161a", "#5c6370", "#e6e8ec"  # text, secondary text, lines
BANNER_COLOR = "#ffd166"  # amber: not a hue of a word, and dark text is easy to read on it
# As fractions of the text size: the distance between lines, and the space around the text.
BANNER_LEADING, BANNER_PADDING = 1.4, 0.8
_NUMBERED = "Numbered words: no font here has their letters."
# As fractions of the text size:
_SMALL = 0.6  # size of the note above
_LEADING = 1.6  # distance between lines of the caption
_PAD, _HALF = 0.22, 0.66  # how far a mark extends beyond its words, and half of its height
_TOUCHED = 0.03  # how far a mark extends if punctuation touches the word


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
    """A word with the punctuation that touches it, and its place in the drawing.

    Attributes:
        word: position in the caption.
        text: the text to write, from ``x`` (pixels from the left) in the line ``line``.
        start, end: of the word without punctuation, in pixels from the left.
        length: of the text, in pixels.
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
        """How far a mark extends beyond the word on each side (fractions of the text size)."""
        after = self.x + self.length > self.end
        return _TOUCHED if self.start > self.x else _PAD, _TOUCHED if after else _PAD


def font_of(explanation: ExplanationData, size: float) -> Font:
    """Return the font that can write most of the caption's words; its size is in pixels."""
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

    If no font has the letters of a word, its number is drawn instead, and a line below explains the numbers.
    A caption that is longer than the model's context is cut off in the line of the last word
    that was read.

    Args:
        draw: the drawing.
        explanation: the explanation with the caption.
        marks: the words to mark; neighbors with the same mark share a background.
        place: (x, y) in pixels of the top left corner.
        width: of a line, in pixels.
        size: of the text, in pixels.

    Returns:
        The y below the caption, which does not depend on the marks.
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
    below = top + _height(explanation, pieces, font, size)
    if _has_numbers(explanation, pieces, font):
        small = font_of(explanation, _SMALL * size)
        note = shorten(_NUMBERED, small, width)
        draw.text((left, below - 0.5 * _LEADING * _SMALL * size), note, SOFT, small, "lm")
    return below


def caption_height(explanation: ExplanationData, width: float, size: float) -> float:
    """Return the height in pixels that `draw_caption` needs for these arguments."""
    font = font_of(explanation, size)
    return _height(explanation, _pieces(explanation, font, width), font, size)


def _height(e: ExplanationData, pieces: Sequence[_Piece], font: Font, size: float) -> float:
    note = _SMALL if _has_numbers(e, pieces, font) else 0
    return (1 + pieces[-1].line + note) * _LEADING * size


def _has_numbers(e: ExplanationData, pieces: Sequence[_Piece], font: Font) -> bool:
    return any(is_numbered(e, piece.word, font) for piece in pieces)


def readable(explanation: ExplanationData, words: Sequence[int], font: Font) -> str:
    """Return words as text, with "word 3" for a word whose letters the font lacks."""
    return " ".join(drawable(explanation.words[w].text, f"word {w + 1}", font) for w in words)


def is_numbered(explanation: ExplanationData, word: int, font: Font) -> bool:
    """Return whether a word is replaced by its number, since the font lacks its letters."""
    return not drawable(explanation.words[word].text, "", font)


def shorten(text: str, font: Font, width: float) -> str:
    """Return the text, cut off with an ellipsis if it is wider than ``width`` pixels."""
    if font.getlength(text) <= width:
        return text
    kept = bisect.bisect_right(
        range(len(text)), width, key=lambda n: font.getlength(text[:n] + "...")
    )
    return text[: max(0, kept - 1)].rstrip() + "..."


def _pieces(e: ExplanationData, font: Font, width: float) -> list[_Piece]:
    """Return the words that `draw_caption` shows with their punctuation and places, in lines of a width."""
    space = 2.5 * font.getlength(" ")  # room for a mark on each side
    read = max((n for n, unread in enumerate(e.unread) if not unread), default=0)
    x, line, pieces = 0.0, 0, list[_Piece]()
    for n, (head, word, tail) in enumerate(_texts(e, font)):
        text = shorten(head + word + tail, font, width)
        length = font.getlength(text)
        if x and x + length > width:
            if n > read:
                last = pieces[-1]
                text = shorten(f"{last.text} {head}{word}{tail}", font, width - last.x)
                pieces[-1] = replace(last, text=text, length=font.getlength(text))
                break
            x, line = 0.0, line + 1
        start = x + font.getlength(head)
        end = min(start + font.getlength(word), x + length)
        pieces.append(_Piece(n, text, x, line, start, end, length))
        x += length + space
    return pieces


def _texts(e: ExplanationData, font: Font) -> list[tuple[str, str, str]]:
    """Return the punctuation before each word, the word, and the punctuation after it."""
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
    """Return a picture with a warning above it, or the same picture if there is none.

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
    """Return the height in pixels of a banner with a number of lines of text."""
    return round((2 * BANNER_PADDING + lines * BANNER_LEADING) * size)


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Return a text in lines of at most a width in pixels; a word that is wider has its own line."""
    longest = max(1, len(text))
    while longest > 1:
        lines = textwrap.wrap(text, longest, break_long_words=False, break_on_hyphens=False)
        if all(font.getlength(line) <= width or " " not in line for line in lines):
            return lines
        longest -= 1
    return text.split()
