"""CLIP models: load them, know their layout. docs/extending.md shows how to add a tower family."""

from .loading import ModelLoadError, from_transformers, load, model_names
from .model import ClipModel

__all__ = ["ClipModel", "ModelLoadError", "from_transformers", "load", "model_names"]
