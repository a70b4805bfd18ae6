"""Explanation methods, all under one signature."""

from .base import BlockwiseMethod, Method, get_method, method_names
from .grad_cam import GradCam
from .grad_eclip import GradEclip
from .self_attention import SelfAttention

__all__ = [
    "BlockwiseMethod",
    "GradCam",
    "GradEclip",
    "Method",
    "SelfAttention",
    "get_method",
    "method_names",
]
