"""Loading CLIP models and knowing their layout; see README.md here for adding a tower family."""

from .huggingface import from_transformers
from .loading import ModelLoadError, load, model_names
from .model import ClipModel

__all__ = ["ClipModel", "ModelLoadError", "from_transformers", "load", "model_names"]
