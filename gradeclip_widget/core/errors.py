"""Errors and warnings as sentences for a reader."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_PACKAGE = __name__.partition(".")[0]


class MissingExtraError(ModuleNotFoundError):
    """A package is not installed that an extra of this package brings; the message names both."""


def missing_extra(package: str, extra: str, use: str) -> MissingExtraError:
    """Return the error for a package that is not installed, to be raised from the import's own.

    >>> str(missing_extra("pycocotools", "coco", "masks in COCO's form"))
    "masks in COCO's form need pycocotools: pip install 'gradeclip-widget[coco]'"

    Args:
        package: its name.
        extra: of this package, the one that brings it.
        use: what needs it, in the plural: "Parquet tables".
    """
    message = f"{use} need {package}: pip install 'gradeclip-widget[{extra}]'"
    return MissingExtraError(message, name=package)


def describe_error(error: BaseException) -> str:
    """Return an error's message; its type comes first where the message was not written for readers."""
    text, name = str(error).strip(), type(error).__name__
    own = type(error).__module__.partition(".")[0] == _PACKAGE
    if own or isinstance(error, ValueError | TypeError | OSError):
        return text or name
    return f"{name}: {text}" if text else name


def summarize_error(error: BaseException) -> str:
    """Return an error's type and the first line of its message, to be quoted within a sentence."""
    line, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {line}".rstrip(": .")


def did_you_mean(name: str, known: Iterable[str], count: int = 1) -> str:
    """Return the end of a message about an unknown name: the known names nearest to it, or nothing.

    Names are compared by their letters and digits alone, in lower case.

    >>> "no fruit 'aple'" + did_you_mean("aple", ["apple", "pear"])
    "no fruit 'aple'; did you mean 'apple'?"
    >>> did_you_mean("vitb16", ["ViT-S-16", "ViT-B-16"])
    "; did you mean 'ViT-B-16'?"

    Args:
        name: the unknown name.
        known: the names there are.
        count: at most so many of them; more than one are looked for further afield.
    """
    bare = {_bare(one): one for one in reversed(list(known))}  # of equal ones the first
    cutoff = 0.6 if count == 1 else 0.4
    near = [
        bare[one] for one in difflib.get_close_matches(_bare(name), bare, n=count, cutoff=cutoff)
    ]
    if not near:
        return ""
    if count == 1:
        return f"; did you mean {near[0]!r}?"
    return f"; the nearest are {', '.join(map(repr, near))}"


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
