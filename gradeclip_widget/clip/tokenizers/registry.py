"""Every kind of tokenizer: whatever module lies in this folder is imported, and registers its kind."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from .base import KINDS, Tokenizer

_folder = importlib.import_module(__package__).__path__
for _module in pkgutil.iter_modules(_folder, f"{__package__}."):
    importlib.import_module(_module.name)


def tokenizer_kind(tokenizer: Any) -> type[Tokenizer]:
    """Return the class that wraps a model's tokenizer.

    Raises:
        TypeError: its kind is unknown.
    """
    for kind in sorted(KINDS, key=lambda kind: (-kind.priority, kind.__module__)):
        if kind.wraps(tokenizer):
            return kind
    raise TypeError(
        f"tokenizer {type(tokenizer).__name__} is not open_clip's SimpleTokenizer, nor a fast tokenizer of "
        "Hugging Face in open_clip's wrapper: its tokens cannot be traced to the caption's words"
    )
