"""The libraries of the extra ``dataset``, which may be missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..core.errors import missing_extra


def require(module: str, use: str) -> ModuleType:
    """Return a module of the extra.

    Args:
        module: its name.
        use: what needs it, in the plural: "Parquet tables".

    Raises:
        ModuleNotFoundError: it is not installed; the message gives the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(module.partition(".")[0], "dataset", use) from error
