"""Models by name, from checkpoints and from Hugging Face's transformers, as `ClipModel` objects."""

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
