"""The encoding of pictures, in one place."""

from __future__ import annotations

import hashlib
import io
import threading

from PIL import Image

DISPLAY_SIDE = 1280  # pixels
_WEBP_QUALITY = 90
_PICTURES_KEPT = 16
_ENCODED: dict[tuple[str, tuple[int, int], bytes], bytes] = {}
_LOCK = threading.Lock()


def display_image(image: Image.Image) -> bytes:
    """The picture as WebP, shrunk to `DISPLAY_SIDE` where it is larger.

    The last few are kept, since a picture stays while its prompts change.
    """
    key = (image.mode, image.size, hashlib.sha256(image.tobytes()).digest())
    with _LOCK:
        encoded = _ENCODED.pop(key, None) or _encode(image)
        _ENCODED[key] = encoded  # the latest last
        if len(_ENCODED) > _PICTURES_KEPT:
            del _ENCODED[next(iter(_ENCODED))]
    return encoded


def _encode(image: Image.Image) -> bytes:
    if max(image.size) > DISPLAY_SIDE:
        image = image.copy()
        image.thumbnail((DISPLAY_SIDE, DISPLAY_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_WEBP_QUALITY)
    return buffer.getvalue()
