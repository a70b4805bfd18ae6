"""Formats that an explanation can be written in; each module registers the suffixes that it writes.

A format is one file::

    @writes(".txt")
    def write_text(explanation: ExplanationData, path: Path) -> None:
        path.write_text(explanation.caption, encoding="utf-8")

The path is that of a temporary file, which then takes the place of the one asked for (see `replacing`).
`Explanation.save` and ``gradeclip explain -o`` then take ``.txt``. Every module of this folder, and of those
in it, is imported when a format is first looked up, so what is slow to import (plotly, pandas) belongs
inside functions.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .files import replacing

if TYPE_CHECKING:
    from ..core.explanation_data import ExplanationData

Writer = Callable[["ExplanationData", Path], object]
AnyWriter = TypeVar("AnyWriter", bound=Writer)

_PACKAGE = __name__.rpartition(".")[0]
_WRITERS: dict[str, Writer] = {}


def writes(*suffixes: str) -> Callable[[AnyWriter], AnyWriter]:
    """Register a function that writes an explanation to a path, for files that end in one of these.

    Args:
        suffixes: each with its dot, in lower case: ``".svg"``.
    """

    def register(writer: AnyWriter) -> AnyWriter:
        _WRITERS.update(dict.fromkeys(suffixes, writer))
        return writer

    return register


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of all formats, in alphabetical order."""
    _discover()
    return tuple(sorted(_WRITERS))


def writer_for(path: Path) -> Writer:
    """Return the function that writes files of a path's suffix, whole or not at all.

    Raises:
        ValueError: no format has that suffix; the message lists those there are.
    """
    _discover()
    if path.suffix not in _WRITERS:
        raise ValueError(f"cannot write {path.name!r}: end its name in {', '.join(suffixes())}")
    return functools.partial(_write_whole, _WRITERS[path.suffix])


def _write_whole(writer: Writer, explanation: ExplanationData, path: Path) -> None:
    with replacing(path) as beside:
        writer(explanation, beside)


def _discover() -> None:
    """Import every module of the folder and of those in it; those imported before cost a look-up."""
    for module in pkgutil.walk_packages(sys.modules[_PACKAGE].__path__, f"{_PACKAGE}."):
        importlib.import_module(module.name)
