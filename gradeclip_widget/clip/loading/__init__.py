"""Models by name, from checkpoints and from Hugging Face's transformers, as `ClipModel` objects."""

from .by_name import ModelLoadError, label, load, load_once, model_names
from .transformers import from_transformers

__all__ = ["ModelLoadError", "from_transformers", "label", "load", "load_once", "model_names"]
