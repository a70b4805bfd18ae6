"""Fonts for pictures: Pillow's font, or an installed one with letters that Pillow's lacks."""

from __future__ import annotations

import functools
import unicodedata

from PIL import ImageFont, features

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# File names that Pillow looks for in the system's font folders; of fonts with equally many letters, the first
# is used. Latin, Greek and Cyrillic come first, then Chinese, Japanese and Korean, then others.
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
_MISSING = "\U0010fffd"  # a character that is in no font


@functools.lru_cache(maxsize=64)
def font_for(texts: tuple[str, ...], size: float) -> Font:
    """Return the font that can write most of the texts: Pillow's, unless it lacks letters.

    Args:
        texts: each counts if it can be written completely, see `drawable`.
        size: in pixels.
    """
    best: Font = ImageFont.load_default(size)
    most = _count_drawable(texts, best)
    for name in INSTALLED:
        if most == len(texts):
            break
        font = _installed(name, size)
        if font is not None and (count := _count_drawable(texts, font)) > most:
            best, most = font, count
    return best


def drawable(text: str, otherwise: str, font: Font) -> str:
    """Return the text if a font can write it, else the text without accents, else the other text.

    It returns the other text for letters that are written from right to left, and for combining letters if
    Pillow lacks Raqm to place them.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    for candidate in (text, bare):
        if all(map(_side_by_side, set(candidate))) and _has(font, candidate):
            return candidate
    return otherwise


def _count_drawable(texts: tuple[str, ...], font: Font) -> int:
    """Return the number of texts that a font can write."""
    return sum(not text or drawable(text, "", font) != "" for text in texts)


def _has(font: Font, text: str) -> bool:
    missing = bytes(font.getmask(_MISSING))
    return all(c == " " or bytes(font.getmask(c)) != missing for c in set(text))


def _side_by_side(letter: str) -> bool:
    """Return whether a letter is written to the right of the previous one."""
    if unicodedata.bidirectional(letter) in ("R", "AL"):
        return False
    return not unicodedata.category(letter).startswith("M") or bool(features.check("raqm"))


@functools.lru_cache(maxsize=2 * len(INSTALLED))
def _installed(name: str, size: float) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:  # not installed, or in a format that Pillow cannot read
        return None
