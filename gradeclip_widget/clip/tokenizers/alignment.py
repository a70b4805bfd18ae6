"""Which characters of a caption each token came from."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Sequence

from ...core.words import Span

_LINE = 400  # characters of both texts together; for longer ones difflib takes too long


def origins(caption: str, cleaned: str, clean: Callable[[str], str]) -> list[Span]:
    """Return, for each character of a cleaned caption, the characters of the caption that it came from.

    Cleaning merges white space, lowers case, and repairs mojibake and HTML entities. All but the first change
    only the text between white space, so each such run is aligned by itself.

    Args:
        caption: the caption.
        cleaned: the caption after ``clean``.
        clean: the tokenizer's cleaning function.
    """
    runs = [m.span() for m in re.finditer(r"\S+", caption)]
    pieces = [clean(caption[a:b]) for a, b in runs]
    runs = [run for run, piece in zip(runs, pieces, strict=True) if piece]
    if cleaned != " ".join(filter(None, pieces)):  # repaired across white space, as "Ã " to "à"
        return aligned(caption, cleaned, 0)
    spans: list[Span] = []
    for (a, b), piece in zip(runs, filter(None, pieces), strict=True):
        if spans:
            spans.append((spans[-1][1], a))
        spans += aligned(caption[a:b], piece, a)
    return spans


def aligned(text: str, cleaned: str, start: int) -> list[Span]:
    """Return what `origins` returns, for one text whose first character has position ``start``.

    Texts of equal length map character by character. Otherwise `difflib` finds the parts that were rewritten,
    and each maps as a whole. Long texts, for which `difflib` is too slow, map in proportion to their lengths.

    Args:
        text: the text.
        cleaned: the text after cleaning.
        start: position of its first character.
    """
    lowered = [c.lower() for c in text]
    if len(text) == len(cleaned):
        return [(start + n, start + n + 1) for n in range(len(text))]
    if "".join(lowered) == cleaned:  # "İ" becomes two characters
        return [(start + n, start + n + 1) for n, c in enumerate(lowered) for _ in c]
    source = "".join(c if len(c) == 1 else "\0" for c in lowered)
    if len(text) + len(cleaned) > _LINE:
        ratio = len(text) / len(cleaned)
        ends = [start + round(n * ratio) for n in range(len(cleaned) + 1)]
        return list(itertools.pairwise(ends))
    spans: list[Span] = []
    matcher = difflib.SequenceMatcher(None, source, cleaned, autojunk=False)
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        if kind == "equal" or a1 - a0 == b1 - b0:
            spans += [(start + a0 + n, start + a0 + n + 1) for n in range(b1 - b0)]
        else:
            spans += [(start + a0, start + a1)] * (b1 - b0)
    return spans


def span_of(origin: Sequence[Span], a: int, b: int) -> Span:
    """Return the characters of the caption that [a, b) of the cleaned caption came from."""
    return origin[a][0], origin[b - 1][1]
