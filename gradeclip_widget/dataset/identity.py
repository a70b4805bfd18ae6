"""Whether a picture is the same as at an earlier start of a run: by its file, and by its content."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from PIL import Image, ImageFile

from ..images.read import is_web_address
from ..images.remote import fingerprint, is_address

UNKNOWN = "?"  # the stamp of a picture of which only its content can tell whether it has changed


def stamp_of(image: Any, covered: bool = True) -> str:
    """Return a text that changes when the file of a picture may have changed. The file is not read.

    It is empty for pictures inside the source, whose description changes with them, and for web addresses,
    which are not asked again.

    Args:
        image: as `Pair.image`, or `Pair.place`.
        covered: whether the source's description changes with the pictures inside it.
    """
    if isinstance(image, str | os.PathLike):
        path = os.fspath(image)
        if isinstance(path, str) and is_web_address(path):
            return ""
        try:
            return file_stamp(os.fsdecode(path))
        except (OSError, ValueError):
            return UNKNOWN
    return "" if covered else UNKNOWN


def file_stamp(path: str) -> str:
    """Return the size, times and number of a file, or of one at an address what its server tells of it.

    They change when the file is written, replaced or moved.

    The time of its last change of state cannot be set by programs, unlike that of its last modification.

    Raises:
        OSError: there is no such file.
    """
    if is_address(path):
        return fingerprint(path)
    stat = os.stat(path)  # noqa: PTH116  # `os` is faster, and there may be millions of files
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_ino}"


def digest_of(image: Image.Image) -> str:
    """Return a text of 32 characters for the pixels of a picture: equal for equal pictures."""
    digest = hashlib.blake2b(f"{image.mode}{image.size}".encode(), digest_size=16)
    digest.update(image.tobytes())
    return digest.hexdigest()


def is_unread_file(image: Image.Image) -> bool:
    """Return whether an opened picture still has the content of its file: it has not been decoded."""
    return isinstance(image, ImageFile.ImageFile) and bool(image.tile) and bool(image.filename)


def key_of(*values: str | tuple[float, ...] | None) -> bytes:
    """Return 16 bytes for a picture or its file, its caption and its box: equal for equal values."""
    text = repr(values).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()
