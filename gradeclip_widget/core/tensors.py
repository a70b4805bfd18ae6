"""Tensors, recognized without importing torch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from torch import Tensor


def is_tensor(value: Any) -> TypeGuard[Tensor]:
    """Return whether a value is a torch tensor; there are none while torch is not imported."""
    kind = getattr(sys.modules.get("torch"), "Tensor", None)  # absent while torch is being imported
    return kind is not None and isinstance(value, kind)
