"""The pictures of a widget's strip."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ...clip.preprocessing import check_pixels
from ...core.images import read_image

_THUMBNAIL = 96  # pixels on the long side


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture: what the explainer takes, what to call it, and its path where it came from a file."""

    source: Image.Image | Tensor = field(repr=False)
    name: str
    path: str | None
    thumbnail: bytes = field(repr=False)


class PictureList:
    """Pictures, read once: a file may be gone, or another, by the time that a prompt is edited."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        if not 0 <= index < len(self):
            raise ValueError(f"picture={index}: there are {len(self)} pictures, from 0")
        return self._entries[index]

    def read(self, image: Any, name: str | None = None) -> Entry:
        """Read a picture.

        Args:
            image: path, encoded bytes, PIL image, array, or a normalised tensor (1, 3, H, W).
            name: what to call it; the file's name, or a number, when ``None``.

        Raises:
            TypeError, ValueError, FileNotFoundError: it cannot be read; the sentence says why.
        """
        try:
            source = check_pixels(image) if isinstance(image, Tensor) else read_image(image)
        except ValueError as error:
            if not name:
                raise
            raise ValueError(f"“{name}”: {error}") from error
        path = os.fspath(image) if isinstance(image, str | os.PathLike) else None
        name = name or (Path(path).name if path else f"picture {len(self) + 1}")
        return Entry(source, name, path, _thumbnail(source))

    def add(self, entry: Entry) -> int:
        """Put a picture last; its index."""
        self._entries.append(entry)
        return len(self) - 1

    def entries(self) -> list[dict[str, Any]]:
        """For the front end, as ``PictureEntry`` in ``js/src/core/types.ts``."""
        return [{"name": e.name, "thumbnail": e.thumbnail} for e in self._entries]


def pictures_of(image: Any) -> Iterable[Any]:
    """The pictures in what `explore` was given: a list or tuple holds several.

    Raises:
        ValueError: an empty list.
    """
    if not isinstance(image, list | tuple):
        return [image]
    if not image:
        raise ValueError("the list of pictures is empty; give at least one")
    return image


def _thumbnail(source: Image.Image | Tensor) -> bytes:
    """WebP of at most `_THUMBNAIL` pixels; a tensor's colours are stretched to what can be shown."""
    if isinstance(source, Tensor):
        pixels = source.detach()[0].float().cpu().nan_to_num()
        low, high = pixels.min(), pixels.max()
        scaled = (pixels - low) / (high - low).clamp_min(1e-6) * 255
        small = Image.fromarray(scaled.byte().permute(1, 2, 0).numpy())
    else:
        small = source.copy()
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP")
    return buffer.getvalue()
