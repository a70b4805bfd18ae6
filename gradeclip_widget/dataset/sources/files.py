"""Files of a folder: which are pictures, which are captions of them, and which are neither."""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Iterable, Iterator

from ...images import picture_suffixes
from ..pairs import Contents, LeftOut

# The usual ones first: a sample of a shard may have pictures of several formats.
PICTURES = picture_suffixes()
_NO_FILES = ("__MACOSX", "Thumbs.db", "desktop.ini")  # of macOS's archives, and of Windows


def walk(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the relative paths of all files in a folder and its subfolders, without hidden ones.

    Linked folders are followed after all others, each real folder once.
    """
    top = os.path.realpath(folder)
    seen: set[str] = set()
    roots = [os.fspath(folder)]
    for root in roots:  # grows
        for parent, folders, files in os.walk(root):
            real = os.path.realpath(parent)
            # A link to a folder around this one would lead out of it, and back.
            if real in seen or (real != top and _is_within(top, real)):
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if _is_listed(name))
            links = [n for n in folders if os.path.islink(os.path.join(parent, n))]  # noqa: PTH114, PTH118
            roots += [os.path.join(parent, name) for name in links]  # noqa: PTH118
            for name in files:
                if _is_listed(name):
                    yield os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118


def is_picture(name: str) -> bool:
    """Return whether a file has the suffix of a picture."""
    return suffix_of(name) in _PICTURES


def suffix_of(name: str) -> str:
    """Return the suffix of a file with its dot, in lower case."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def stem_of(name: str) -> str:
    """Return a path without its suffix, with letters composed: macOS's names have accents as letters."""
    return unicodedata.normalize("NFC", os.path.splitext(name)[0])  # noqa: PTH122


def left_out(*kinds: tuple[str, Iterable[str]]) -> tuple[LeftOut, ...]:
    """Return what is left out, of each kind some: reasons with the names of what is left out for them."""
    return tuple(
        LeftOut(why, len(names), min(names))
        for why, names in ((w, set(n)) for w, n in kinds)
        if names
    )


def add_contents(parts: Iterable[Contents]) -> Contents:
    """Return the contents of several parts together."""
    parts = list(parts)
    left: dict[str, LeftOut] = {}
    for one in (one for part in parts for one in part.left_out):
        first = left.get(one.reason)
        count = one.count + (first.count if first else 0)
        left[one.reason] = LeftOut(one.reason, count, first.example if first else one.example)
    return Contents(
        sum(part.pictures or 0 for part in parts),
        sum(part.captions or 0 for part in parts),
        tuple(left.values()),
    )


def decode_text(data: bytes) -> str:
    """Return the text in a file: UTF-8, or UTF-16 or UTF-32 if it begins with their mark.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    return data.decode(encoding_of(data[:4])[0])


def encoding_of(head: bytes) -> tuple[str, int]:
    """Return the encoding of a text that begins with these bytes, and the length of its mark."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return "utf-8", 0


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _is_within(inner: str, outer: str) -> bool:
    return f"{inner}{os.sep}".startswith(outer.rstrip(os.sep) + os.sep)


def _is_listed(name: str) -> bool:
    return not name.startswith(".") and name not in _NO_FILES


_PICTURES = frozenset(PICTURES)
