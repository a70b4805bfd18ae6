"""Every explanation method by name: each module in this folder is imported, and registers its method."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

from ..core.errors import did_you_mean
from .base import BlockwiseMethod, Method, ordered_methods

_folder = importlib.import_module(__package__).__path__
for _module in pkgutil.walk_packages(_folder, f"{__package__}."):
    importlib.import_module(_module.name)


def method_names() -> tuple[str, ...]:
    """Return the names of all methods, the default one first."""
    return tuple(method.name for method in ordered_methods())


def get_method(
    name: str, reference: bool = False, options: Mapping[str, Any] | None = None
) -> Method:
    """Return the method of that name.

    >>> method_options("grad-eclip")
    ()

    Args:
        name: one of `method_names`.
        reference: compute as the authors' published code does.
        options: the method's own, by name; see `method_options`.

    Raises:
        ValueError: there is no such method, it has no such option, or an option has no such value.
    """
    cls, known = find_method(name), method_options(name)
    for option in options or {}:
        if option not in known:
            takes = f"has the options {', '.join(map(repr, known))}" if known else "has no options"
            guess = did_you_mean(option, known)
            raise ValueError(f"method={name!r} {takes}, not {option!r}{guess}")
    return cls(reference, **options or {})


def method_options(name: str) -> tuple[str, ...]:
    """Return the names of a method's own options.

    Raises:
        ValueError: there is no such method.
    """
    return _options(find_method(name))


@functools.cache  # every prompt asks it of every method
def _options(method: type[Method]) -> tuple[str, ...]:
    return tuple(p for p in inspect.signature(method).parameters if p != "reference")


def find_method(name: str) -> type[Method]:
    """Return the class of the method of that name.

    Raises:
        ValueError: there is no such method.
    """
    for method in ordered_methods():
        if method.name == name:
            return method
    names = method_names()
    known = ", ".join(map(repr, names))
    raise ValueError(f"no method {name!r}: there are {known}{did_you_mean(name, names)}")


def blockwise(method: Method) -> BlockwiseMethod:
    """Return a method that has maps of single blocks.

    Raises:
        ValueError: this one has none.
    """
    if not isinstance(method, BlockwiseMethod):
        others = " or ".join(f"method={m.name!r}" for m in ordered_methods() if m.has_blocks)
        raise ValueError(
            f"method={method.name!r} explains the last block only: it has no maps of single blocks; use "
            f"{others}"
        )
    return method
