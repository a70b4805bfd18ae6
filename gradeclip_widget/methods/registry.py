"""Every explanation method by name: each module of this folder is imported, and registers its method."""

from __future__ import annotations

import importlib
import pkgutil

from ..core.errors import did_you_mean
from .base import BlockwiseMethod, Method, ordered_methods

_folder = importlib.import_module(__package__).__path__
for _module in pkgutil.iter_modules(_folder, f"{__package__}."):
    importlib.import_module(_module.name)


def method_names() -> tuple[str, ...]:
    """Return the names of all methods, the default one first."""
    return tuple(method.name for method in ordered_methods())


def get_method(name: str, reference: bool = False) -> Method:
    """Return the method of that name.

    Args:
        name: one of `method_names`.
        reference: compute as the authors' published code does.

    Raises:
        ValueError: there is no such method.
    """
    for method in ordered_methods():
        if method.name == name:
            return method(reference)
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
