"""Explanations as ``.npz``: arrays, a JSON header and an encoded picture. Loading executes nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ..core.explanation_data import ExplanationData
from ..core.words import Word
from .picture import archive_image

Data = TypeVar("Data", bound=ExplanationData)

FORMAT, VERSION = "gradeclip-explanation", 1
_UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, NotImplementedError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def save(explanation: ExplanationData, path: Path) -> None:
    """Write all fields of an explanation, with raw maps (see `ExplanationData`); `load` reads the same."""
    values = {f.name: getattr(explanation, f.name) for f in dataclasses.fields(explanation)}
    values["words"] = [dataclasses.asdict(w) for w in explanation.words]
    image = archive_image(values.pop("image"))
    arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    header = {k: v for k, v in values.items() if k not in arrays}
    text = json.dumps(header | {"format": FORMAT, "version": VERSION})
    arrays["header"] = np.frombuffer(text.encode(), np.uint8)
    arrays["image"] = np.frombuffer(image, np.uint8)
    # In memory first, since a full disk raises a clear error when bytes are written, but not in a ZIP file.
    buffer = io.BytesIO()
    # No `allow_pickle`: NumPy before 2.1 would save it as an array of that name.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path.write_bytes(buffer.getvalue())


def load(path: Path, cls: type[Data]) -> Data:
    """Read an explanation as an instance of `cls`; see `Explanation.load`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        header = json.loads(content.pop("header").tobytes())
        if header.pop("format") != FORMAT:
            raise KeyError("format")
        version = header.pop("version")
    except _UNREADABLE as error:
        if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
            raise
        raise ValueError(
            f"{str(path)!r} is not an explanation saved by gradeclip-widget; give a file that "
            "Explanation.save wrote"
        ) from error
    if version != VERSION:
        raise ValueError(
            f"{str(path)!r} is of format version {version}, this gradeclip-widget reads {VERSION}; upgrade it"
        )
    try:
        return _assemble(header, content, cls)
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged ({error}); save the explanation again"
        ) from error


def _assemble(
    header: dict[str, Any], content: dict[str, np.ndarray[Any, Any]], cls: type[Data]
) -> Data:
    with Image.open(io.BytesIO(content.pop("image").tobytes())) as picture:
        image = picture.convert("RGB")
    words = tuple(Word(**w | {"tokens": tuple(w["tokens"])}) for w in header.pop("words"))
    for name in ("tokens", "notes", "cover"):
        header[name] = tuple(header[name])
    return cls(image=image, words=words, **header, **content)  # type: ignore[arg-type]
