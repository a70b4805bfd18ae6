"""Pairs from a folder with a text file for each picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...core.errors import summarize_error
from ..pairs import FailedPair, Pair
from .base import Source, fingerprint_files
from .rows import Row, pairs_of

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
CAPTION = ".txt"


def walk(folder: Path) -> Iterator[str]:
    """Yield the relative paths of all files in a folder and its subfolders, without hidden ones."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118


class SideBySide(Source):
    """``dog.jpg`` and ``dog.txt``, in the order of their paths; the id is the path without its suffix."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        """List the folder and its subfolders.

        Raises:
            ValueError: no picture has a caption.
        """
        self.folder = str(folder)
        files = set(walk(folder))
        self.names = sorted(
            name
            for name in files
            if os.path.splitext(name)[1].lower() in PICTURES  # noqa: PTH122
        )
        if not any(_caption_of(name) in files for name in self.names):
            raise ValueError(
                f"the folder {self.folder!r} has {len(self.names)} pictures and no captions: neither a table "
                "(.csv, .tsv, .jsonl, .parquet) in it or beside it, nor texts such as dog.txt beside dog.jpg"
            )

    def count(self) -> int:
        """Return the number of pictures."""
        return len(self.names)

    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``."""
        for position, name in enumerate(self.names[start:stop], start):
            path, caption = Path(self.folder, name), Path(self.folder, _caption_of(name))
            key, text, problem = os.path.splitext(name)[0], "", ""  # noqa: PTH122
            try:
                text = " ".join(caption.read_text(encoding="utf-8-sig").split())
            except FileNotFoundError:
                problem = f"it has no caption: {str(caption)!r} does not exist"
            except (OSError, UnicodeDecodeError) as error:
                problem = f"its caption {str(caption)!r} cannot be read: {summarize_error(error)}"
            yield from pairs_of(Row(key, str(path), str(path), text, None, problem), position)

    def description(self) -> dict[str, Any]:
        """Return the folder, the number of pictures, and a fingerprint of the captions' sizes and times."""
        captions = (str(Path(self.folder, _caption_of(name))) for name in self.names)
        return {
            "kind": self.kind,
            "source": self.folder,
            "options": {},
            "pairs": len(self.names),
            "fingerprint": fingerprint_files([*self.names, *captions]),
        }


def _caption_of(name: str) -> str:
    return os.path.splitext(name)[0] + CAPTION  # noqa: PTH122
