"""Explanation methods, one file each; `registry` lists them all."""

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
