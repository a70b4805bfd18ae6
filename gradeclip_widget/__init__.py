"""See why CLIP matched a picture with a sentence: Grad-ECLIP maps as a Jupyter widget.

Names are imported at their first use, so that ``import gradeclip_widget`` is fast and does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import demo, evaluation
    from .clip import ClipModel, ModelLoadError, from_transformers, load, model_names
    from .core.errors import UnreadableFileError
    from .core.vocabulary import Vocabulary
    from .dataset import (
        DatasetRun,
        explain_dataset,
        open_run,
        word_figure,
        word_statistics,
    )
    from .explain.explainer import Explainer
    from .explain.explanation import Explanation
    from .explain.word_lists import vocabularies
    from .images.erase import erase
    from .magic import load_ipython_extension
    from .widget.explore import explore, show
    from .widget.gallery import Gallery, browse
    from .widget.widget import ExplanationWidget

_HOMES = {
    "ClipModel": ".clip",
    "DatasetRun": ".dataset",
    "ExplanationWidget": ".widget",
    "Explainer": ".explain.explainer",
    "Explanation": ".explain.explanation",
    "ModelLoadError": ".clip",
    "UnreadableFileError": ".core.errors",
    "Vocabulary": ".core.vocabulary",
    "Gallery": ".widget.gallery",
    "browse": ".widget.gallery",
    "erase": ".images.erase",
    "explain_dataset": ".dataset",
    "explore": ".widget",
    "from_transformers": ".clip",
    "load": ".clip",
    "load_ipython_extension": ".magic",
    "model_names": ".clip",
    "open_run": ".dataset",
    "show": ".widget",
    "vocabularies": ".explain.word_lists",
    "word_figure": ".dataset",
    "word_statistics": ".dataset",
}

__version__ = "0.1.0"
__all__ = [
    "ClipModel",
    "DatasetRun",
    "Explainer",
    "Explanation",
    "ExplanationWidget",
    "Gallery",
    "ModelLoadError",
    "UnreadableFileError",
    "Vocabulary",
    "browse",
    "demo",
    "erase",
    "evaluation",
    "explain_dataset",
    "explore",
    "from_transformers",
    "load",
    "load_ipython_extension",
    "model_names",
    "open_run",
    "show",
    "vocabularies",
    "word_figure",
    "word_statistics",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name in ("demo", "evaluation"):
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name], __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
