"""The record of a run, ``run.json``: everything that its rows depend on."""

from __future__ import annotations

import json
from collections import Counter
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import UnreadableFileError, reading
from ...core.paths import why_missing
from ..pairs import PairSource
from .account import Account
from .schema import FORMAT, RUN

if TYPE_CHECKING:
    from ...explain.explainer import Explainer

Record = dict[str, Any]
_SAME = (
    "format",
    "version",
    "model",
    "preprocessing",
    "tokenizer",
    "method",
    "settings",
    "importances",
    "thumbnails",
    "rows_per_part",
)
_SAME_SOURCE = (
    "kind",
    "source",
    "options",
)  # its content may change: rows of equal pairs are taken over


def record_of(
    explainer: Explainer,
    source: PairSource,
    *,
    load: dict[str, Any] | None,
    importances: bool,
    thumbnails: bool,
    rows_per_part: int,
) -> Record:
    """Return the record of a run.

    Args:
        explainer: the model, the method and their options.
        source: the pairs.
        load: arguments that load the model again; ``None`` for a model that was passed as an object.
        importances: as in `explain_dataset`.
        thumbnails: as in `explain_dataset`.
        rows_per_part: as in `explain_dataset`.
    """
    from ...clip.verification.state import modules_of, weights_digest
    from ..inputs import describe_preprocessing, describe_tokenizer

    clip = explainer.clip
    return {
        "format": FORMAT,
        "version": version("gradeclip-widget"),
        "model": {
            "name": clip.name,
            "weights": weights_digest(clip.model),
            # Equal weights give other scores with, say, GELU in the place of QuickGELU.
            "layers": Counter(type(module).__name__ for module in modules_of(clip.model)),
            "dtype": None if clip.dtype is None else str(clip.dtype),
            "load": load,
        },
        "preprocessing": describe_preprocessing(
            clip.image_processor, explainer.fit, explainer.resolution
        ),
        "tokenizer": describe_tokenizer(clip.tokenizer),
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


def read_record(out: str | PathLike[str]) -> Record:
    """Return the record in a run's folder.

    Raises:
        FileNotFoundError: the folder does not exist, or has no run in it.
        UnreadableFileError: the record is damaged, or was written by a newer version of this package.
    """
    path = Path(out) / RUN
    if not path.is_file():
        problem = "has no run in it"
        if not Path(out).is_dir():
            problem = f"does not exist{why_missing(out)}"
        raise FileNotFoundError(
            f"the folder {str(out)!r} {problem}; gw.explain_dataset(source, {str(out)!r}) writes one"
        )
    with reading(path, "the record of a run", "restore it, or explain into another folder"):
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        if (newer := int(record["format"])) <= FORMAT:
            _check_record(record)
            return record
    raise UnreadableFileError(
        path,
        f"was written in format {newer} by a newer gradeclip-widget; this one reads up to {FORMAT}: "
        "pip install --upgrade gradeclip-widget",
    )


def _check_record(record: Record) -> None:
    """Check the entries that readers of a run use; raise an error of any kind for others."""
    names = (record["model"]["name"], record["method"]["name"], record["source"]["kind"])
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"the names {names!r:.80} are not text")
    if not isinstance(record["settings"], dict) or int(record["rows_per_part"]) < 1:
        raise ValueError("it has no settings or no rows in a part")
    if record.get("account") is not None:
        Account.from_record(record["account"]).lines  # noqa: B018 - of the right types, if it has lines


def check_same_run(out: str | PathLike[str], stored: Record, new: Record) -> None:
    """Raise ``ValueError`` if the settings of two runs differ; the message names the values.

    The pairs of the source may differ: `stale_parts` finds those.
    """
    stored, new = _settings(stored), _settings(json.loads(json.dumps(new)))  # as read from the file
    differences = [_difference(k, stored[k], new[k]) for k in stored if stored[k] != new[k]]
    if differences:
        raise ValueError(
            f"{str(out)!r} has another run in it ({'; '.join(differences)}), and two runs cannot share a "
            "folder; give another folder"
        )


def _settings(record: Record) -> Record:
    """Return what must be equal in two runs that share a folder."""
    source = record.get("source", {})
    settings = {name: record.get(name) for name in _SAME}
    return settings | {"source": {name: source.get(name) for name in _SAME_SOURCE}}


def _difference(key: str, stored: Any, new: Any) -> str:
    """Return a text that names the two values, or those of the entries that differ."""
    if isinstance(stored, dict) and isinstance(new, dict):
        keys = [name for name in {**stored, **new} if stored.get(name) != new.get(name)]
        return "; ".join(_difference(f"{key}.{k}", stored.get(k), new.get(k)) for k in keys)
    return f"{key} is {stored!r:.80} in the folder and {new!r:.80} now"
