"""Explanation methods, one file each: every module here is imported and registers what it defines."""

import importlib
import pkgutil

from .base import BlockwiseMethod, Method, get_method, method_names

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["BlockwiseMethod", "Method", "get_method", "method_names"]
