"""Explanation methods, one file each; `registry` lists them all.

Importing this does not import torch; the first use of a name does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazy_names

if TYPE_CHECKING:
    from .base import BlockwiseMethod, Method
    from .registry import METHODS, blockwise, check_towers, get_method, method_names, method_options

__all__ = [
    "METHODS",
    "BlockwiseMethod",
    "Method",
    "blockwise",
    "check_towers",
    "get_method",
    "method_names",
    "method_options",
]

__getattr__ = lazy_names(__name__, dict.fromkeys(__all__, ".registry"))
