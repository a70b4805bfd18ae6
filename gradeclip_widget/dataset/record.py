"""What a run is made with, as its ``run.json`` holds it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ..clip.verification.state import weights_digest
from ..explain.explainer import Explainer
from .folder import Record
from .pairs import PairSource
from .schema import FORMAT


def record_of(
    explainer: Explainer,
    source: PairSource,
    *,
    load: dict[str, Any] | None,
    importances: bool,
    thumbnails: bool,
    rows_per_part: int,
) -> Record:
    """Return everything that the rows depend on.

    Args:
        explainer: the model, the method and their options.
        source: the pairs.
        load: how the model was loaded, to load it again; ``None`` for an object of the caller's.
        importances: as in `explain_dataset`.
        thumbnails: the same.
        rows_per_part: the same.
    """
    clip = explainer.clip
    return {
        "format": FORMAT,
        "version": version("gradeclip-widget"),
        "model": {"name": clip.name, "weights": weights_digest(clip.model), "load": load},
        "method": {
            "name": explainer.method.name,
            "label": explainer.label,
            "options": dict(explainer.method_options),
        },
        "settings": {
            "fit": explainer.fit,
            "resolution": explainer.resolution,
            "image_layers": explainer.image_layers,
        },
        "importances": importances,
        "thumbnails": thumbnails,
        "rows_per_part": rows_per_part,
        "source": source.description(),
    }
