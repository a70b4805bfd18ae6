"""Loading CLIP models and knowing their layout; see README.md here for adding a tower family."""

from .loading import ModelLoadError, load, model_names
from .model import ClipModel

__all__ = ["ClipModel", "ModelLoadError", "load", "model_names"]
