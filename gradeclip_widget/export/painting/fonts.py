"""Fonts of pictures: Pillow's own, or an installed one that has the letters which that lacks."""

from __future__ import annotations

import functools
import unicodedata

from PIL import ImageFont, features

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# File names that Pillow looks for in the system's folders of fonts; of those with as many of the letters, the
# first is taken. Latin, Greek and Cyrillic come first, then Chinese, Japanese and Korean, then others.
INSTALLED = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "segoeui.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Medium.ttc",
    "msyh.ttc",
    "meiryo.ttc",
    "YuGothM.ttc",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
    "DroidSansFallbackFull.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "LeelawUI.ttf",
    "Nirmala.ttf",
)
_MISSING = "\U0010fffd"  # a character that no font has


@functools.lru_cache(maxsize=64)
def font_for(texts: tuple[str, ...], size: float) -> Font:
    """Return the font that can write the most of the texts: Pillow's own, unless it lacks letters of one.

    Args:
        texts: each counts as a whole, as `drawable` does.
        size: in pixels.
    """
    best: Font = ImageFont.load_default(size)
    most = _written(texts, best)
    for name in INSTALLED:
        if most == len(texts):
            break
        font = _installed(name, size)
        if font is not None and (written := _written(texts, font)) > most:
            best, most = font, written
    return best


def drawable(text: str, otherwise: str, font: Font) -> str:
    """Return the text as far as it can be written in a font: whole, without accents, or the other text.

    Of letters that are written from right to left, or on each other where Pillow lacks Raqm to place them, it
    returns the other text: texts are set from left to right here.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    for candidate in (text, bare):
        if all(map(_side_by_side, candidate)) and _has(font, candidate):
            return candidate
    return otherwise


def _written(texts: tuple[str, ...], font: Font) -> int:
    """Return how many of the texts a font can write."""
    return sum(not text or drawable(text, "", font) != "" for text in texts)


def _has(font: Font, text: str) -> bool:
    missing = bytes(font.getmask(_MISSING))
    return all(c == " " or bytes(font.getmask(c)) != missing for c in text)


def _side_by_side(letter: str) -> bool:
    """Return whether a letter stands beside those before it, on their right."""
    if unicodedata.bidirectional(letter) in ("R", "AL"):
        return False
    return not unicodedata.category(letter).startswith("M") or bool(features.check("raqm"))


@functools.lru_cache(maxsize=2 * len(INSTALLED))
def _installed(name: str, size: float) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:  # not installed, or of a form that Pillow cannot read
        return None
