"""CLIP models: load them, know their layout. docs/extending.md shows how to add a tower family.

Importing this does not import torch; the first use of a name does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazy_names

if TYPE_CHECKING:
    from .loading import ModelLoadError, from_transformers, load, model_names
    from .model import ClipModel

__all__ = ["ClipModel", "ModelLoadError", "from_transformers", "load", "model_names"]

__getattr__ = lazy_names(
    __name__, {name: ".model" if name == "ClipModel" else ".loading" for name in __all__}
)
