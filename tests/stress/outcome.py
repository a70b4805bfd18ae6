"""What an attempt gives: a right answer, a documented error, or a fault."""

from __future__ import annotations

import builtins
import functools
import inspect
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import traitlets

import gradeclip_widget as gw
from gradeclip_widget.core import errors

RIGHT, ERROR, FAULT = "right", "error", "fault"
_PACKAGE = str(Path(gw.__file__).parent)
# Parts of messages that tell of the program's inside, not of the file: SQL, addresses, tracebacks.
_INTERNALS = re.compile(
    r"\bSELECT\b.*\bFROM\b|read_parquet\(| at 0x[0-9a-f]{6,}|Traceback \(most|LINE \d+:", re.DOTALL
)


class Fault(AssertionError):  # noqa: N818 - the name of the report
    """Something that must not happen."""


@dataclass(frozen=True)
class Failed:
    """A documented error, in place of an answer."""

    error: BaseException

    @property
    def name(self) -> str:
        """The error's class."""
        return type(self.error).__name__


@dataclass(frozen=True)
class Outcome:
    """The outcome of one attempt.

    Attributes:
        kind: what was tried.
        result: `RIGHT`, `ERROR` (a documented one) or `FAULT`.
        detail: the class of the error, or what went wrong.
    """

    kind: str
    result: str
    detail: str = ""

    @classmethod
    def of(cls, kind: str, answer: Any) -> Outcome:
        """Return the outcome of an answer of `attempt`."""
        if isinstance(answer, Failed):
            return cls(kind, ERROR, answer.name)
        return cls(kind, RIGHT)


class Area(Protocol):
    """A part of the package that is tried.

    Attributes:
        name: of the area.
        weight: how often it is tried, relative to the others.
        seconds: of processor time that an attempt may take; more is a fault.
        megabytes: of memory that an attempt may take; more is a fault.
    """

    name: str
    weight: float
    seconds: float
    megabytes: float

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Try something.

        Args:
            rng: decides what; equal generators try the same.
            folder: an empty folder, the only place to write to.

        Raises:
            Fault: an answer was wrong, or an error was not a documented one.
        """
        ...


@functools.cache
def documented_errors(function: Callable[..., Any]) -> tuple[type[BaseException], ...]:
    """Return the errors that the section "Raises" of a docstring lists."""
    section = (inspect.getdoc(function) or "").partition("\nRaises:\n")[2]
    found: list[type[BaseException]] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break  # the next section
        if match := re.match(r" {4}(\w+(?:, \w+)*):", line):
            for name in match[1].split(", "):
                found += [_error(name)]
    return tuple(found)


def _error(name: str) -> type[BaseException]:
    for home in (builtins, errors, traitlets, gw):
        error = getattr(home, name, None)
        if isinstance(error, type) and issubclass(error, BaseException):
            return error
    raise LookupError(f"a docstring lists the error {name!r}, which is not known")


def attempt(
    function: Callable[..., Any],
    *args: Any,
    documented: Callable[..., Any] | None = None,
    names: str = "",
    **options: Any,
) -> Any:
    """Call a function and return its answer, or `Failed` if it raises an error that it documents.

    An error is a documented one if

    - its class is listed in the section "Raises" of the docstring;
    - this package raised it, not a library, except errors of the file system;
    - its message names the value, and has nothing of the program's inside in it.

    Args:
        function: what to call.
        *args: its arguments.
        documented: the function whose docstring lists the errors, if it is another.
        names: a part that the message must have, such as the name of a file.
        **options: its named arguments.

    Raises:
        Fault: another error was raised.
    """
    try:
        return function(*args, **options)
    except Fault:
        raise
    except Exception as error:  # noqa: BLE001 - this is what is measured
        check_documented(error, documented or function, names)
        return Failed(error)


def check_documented(error: BaseException, function: Callable[..., Any], names: str = "") -> None:
    """Raise `Fault` unless a function documents an error; see `attempt`."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__}: {str(error)[:300]} ({last.filename}:{last.lineno})"
    name = getattr(function, "__qualname__", str(function))
    if not isinstance(error, documented_errors(function)):
        raise Fault(f"{name} does not document {where}") from error
    if not last.filename.startswith(_PACKAGE) and not isinstance(error, OSError):
        raise Fault(f"{name} passes on a raw {where}") from error
    text = str(error)
    if not text or _INTERNALS.search(text):
        raise Fault(f"{name} has an unreadable message: {where}") from error
    if names and names not in text:
        raise Fault(f"{name} does not name {names!r}: {where}") from error
