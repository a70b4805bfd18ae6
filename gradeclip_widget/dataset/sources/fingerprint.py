"""Fingerprints: short texts that are others where the pairs of a source are others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image


def of_files(paths: Iterable[str]) -> str:
    """Return a fingerprint of the names, sizes and modification times of files; none of them is read."""
    digest = hashlib.blake2b(digest_size=12)
    for path in paths:
        try:
            stat = os.stat(path)  # noqa: PTH116  # there may be millions
            said = f"{os.path.basename(path)}\0{stat.st_size}\0{stat.st_mtime_ns}\0"  # noqa: PTH119
        except OSError:
            said = f"{path}\0gone\0"
        digest.update(said.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def of_values(values: Iterable[Any]) -> str:
    """Return a fingerprint of texts, bytes, arrays and pictures; of anything else, of what it prints as."""
    digest = hashlib.blake2b(digest_size=12)
    for value in values:
        digest.update(type(value).__name__.encode())
        digest.update(_content(value))
        digest.update(b"\0")
    return digest.hexdigest()


def _content(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Image.Image):
        path = getattr(value, "filename", "")  # opened and perhaps not decoded yet
        return os.fsencode(path) if path else f"{value.mode}{value.size}".encode() + value.tobytes()
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if hasattr(value, "detach"):  # a tensor
        return _content(value.detach().cpu().numpy())
    return str(value).encode("utf-8", "surrogateescape")
