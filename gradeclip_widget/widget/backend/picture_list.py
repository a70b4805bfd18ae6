"""The pictures of a widget's strip. Importing this does not import torch."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from PIL import Image

from ...clip.preprocessing import Picture, RawPicture, read_picture
from ...core.tensors import is_tensor
from ...export.picture import thumbnail
from ...images import LoadedImage
from ...images.read import is_web_address

if TYPE_CHECKING:
    from ...clip.preprocessing import ImageProcessor


# The pictures of all widgets by their content, so that widgets of one picture have one copy of it.
_in_use: WeakValueDictionary[Hashable, LoadedImage] = WeakValueDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture: what the explainer takes, its name, and its path or address if it has one.

    Other widgets may have the same source, so nothing changes it: see `lazy_copy`.
    """

    source: RawPicture | Picture = field(repr=False)
    name: str
    path: str | None

    @property
    def identity(self) -> object:
        """An object that the entries of the same picture have in common, also those of other widgets."""
        return self.source if isinstance(self.source, LoadedImage) else self

    @property
    def image(self) -> Image.Image | None:
        """The picture as the reader sees it; ``None`` for a tensor, which only a model can interpret."""
        return getattr(self.source, "image", None)


class PictureList:
    """Pictures. Each is read once, because its file may change or disappear before a prompt is edited."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._thumbnails: dict[Hashable, bytes] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        if not 0 <= index < len(self):
            raise ValueError(f"picture={index}: there are {len(self)} pictures, from 0")
        return self._entries[index]

    def read(self, image: Any, name: str | None = None) -> Entry:
        """Read a picture.

        Args:
            image: as `read_picture` takes, or a `Picture`.
            name: what to call it; the file's name, or a number, when ``None``.

        Raises:
            TypeError, ValueError, OSError: it cannot be read; the message says why.
        """
        try:
            source = image if isinstance(image, Picture) else _shared(read_picture(image))
        except ValueError as error:
            if not name:
                raise
            raise ValueError(f"“{name}”: {error}") from error
        path = os.fspath(image) if isinstance(image, str | os.PathLike) else None
        name = name or _name_of(path or image) or f"picture {len(self) + 1}"
        return Entry(source, name, path)

    def add(self, entry: Entry) -> int:
        """Add a picture at the end; return its index."""
        self._entries.append(entry)
        return len(self) - 1

    def entries(self, processor: ImageProcessor) -> list[dict[str, Any]]:
        """Return the pictures for the front end, as ``PictureEntry`` in ``js/src/state/entries.ts``.

        Args:
            processor: of the model shown, so that a tensor looks the same here and in the large picture.
        """
        return [{"name": e.name, "thumbnail": self._thumbnail(e, processor)} for e in self._entries]

    def _thumbnail(self, entry: Entry, processor: ImageProcessor) -> bytes:
        """Return an entry's thumbnail. It is encoded once; for a tensor, once for each normalization."""
        normalized = is_tensor(entry.source)
        key = (entry, (processor.mean, processor.std) if normalized else None)
        if key not in self._thumbnails:
            self._thumbnails[key] = thumbnail(processor.visible(entry.source))
        return self._thumbnails[key]


def lazy_copy(image: Image.Image) -> Image.Image:
    """Return a copy whose pixels are copied only when it, or the original, is drawn on."""
    copy = image._new(image.im)  # noqa: SLF001 - `copy` copies the pixels
    copy.readonly = image.readonly = 1  # Pillow copies such pixels before it changes them
    return copy


def _shared(picture: RawPicture) -> RawPicture:
    """Return an equal picture that another widget has, if there is one.

    Tensors are not shared: a program may change their values at any time.
    """
    if not isinstance(picture, LoadedImage):
        return picture
    image = picture.image
    key = image.size, picture.notes, hashlib.sha256(image.tobytes()).digest()
    with _lock:
        return _in_use.setdefault(key, picture)


def _name_of(image: Any) -> str:
    """Return the name of a path, of a web address or of an open file; empty if it has none."""
    name = image if isinstance(image, str) else getattr(image, "name", None)
    if not isinstance(name, str):
        return ""
    return Path(unquote(urlsplit(name).path) if is_web_address(name) else name).name


def pictures_of(image: Any) -> Iterable[Any]:
    """Return the pictures in the first argument of `explore`: several if it is a list or tuple.

    Raises:
        ValueError: an empty list.
    """
    if not isinstance(image, list | tuple):
        return [image]
    if not image:
        raise ValueError("the list of pictures is empty; give at least one")
    return image
