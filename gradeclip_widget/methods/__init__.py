"""Explanation methods, one file each; `registry` imports them all."""

from .base import BlockwiseMethod, Method
from .registry import blockwise, get_method, method_names, method_options

__all__ = ["BlockwiseMethod", "Method", "blockwise", "get_method", "method_names", "method_options"]
