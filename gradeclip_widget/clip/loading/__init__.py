"""Models by name, from checkpoints and from Hugging Face's transformers, as `ClipModel` objects.

Importing this does not import torch; the first use of a name does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .by_name import is_outdated, label, load, load_once, model_names, same, stands_for
    from .failures import CheckpointError, ModelLoadError
    from .transformers import from_transformers

__all__ = [
    "CheckpointError",
    "ModelLoadError",
    "from_transformers",
    "is_outdated",
    "label",
    "load",
    "load_once",
    "model_names",
    "same",
    "stands_for",
]

__getattr__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(__all__, ".by_name"),
        "CheckpointError": ".failures",
        "ModelLoadError": ".failures",
        "from_transformers": ".transformers",
    },
)
