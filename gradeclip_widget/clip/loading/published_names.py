"""The labels of published models, without importing open_clip, which imports torch.

open_clip names its architectures by files, ``model_configs/NAME.json``, and the tags of weights in
``pretrained.py``. Both are read, but not executed.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DEMO = "demo"


def published_label(name: Any, pretrained: Any = None) -> str | None:
    """Return the label that `load` gives a model, or ``None`` if only open_clip can tell.

    It is "ViT-B-16/openai" for ``("ViT-B-16/openai", None)`` and for ``("ViT-B-16", "openai")``. It is also
    ``None`` while open_clip is imported and can be asked.

    Args:
        name: as `load` takes it.
        pretrained: as `load` takes it.
    """
    if not isinstance(name, str):
        return None
    if name == DEMO and pretrained is None:
        return DEMO
    if hasattr(sys.modules.get("open_clip"), "list_models"):
        return None
    head, _, tail = name.partition("/")
    tag = tail if pretrained is None else pretrained
    if (tail and pretrained) or not isinstance(tag, str) or not re.fullmatch(r"\w+", tag):
        return None
    return f"{head}/{tag}" if _is_architecture(head) and tag in _words() else None


@cache
def _folder() -> Path | None:
    """Return the folder in which open_clip is installed."""
    spec = find_spec("open_clip")
    return Path(spec.origin).parent if spec and spec.origin else None


def _is_architecture(name: str) -> bool:
    folder = _folder()
    is_name = re.fullmatch(r"[\w.-]+", name)
    return bool(folder and is_name and (folder / "model_configs" / f"{name}.json").is_file())


@cache
def _words() -> frozenset[str]:
    """Return the identifiers in open_clip's list of weights; all tags are among them."""
    try:
        text = (_folder() or Path()).joinpath("pretrained.py").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    return frozenset(re.findall(r"\w+", text))
