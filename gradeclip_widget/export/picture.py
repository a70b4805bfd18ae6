"""Pictures as encoded bytes, one function per purpose. No other file encodes pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Hashable
from typing import Any

from cachetools import LRUCache, cached
from PIL import Image
from PIL.PngImagePlugin import PngInfo

DISPLAY_SIDE = 1280  # pixels
FRAME_SIDE = 640  # pixels
THUMBNAIL_SIDE = 96  # pixels
_LOSSLESS_PIXELS = 4_000_000  # larger pictures are treated as photographs and saved as JPEG
_CACHED_PICTURES = 16


def _content(image: Image.Image) -> Hashable:
    return image.mode, image.size, hashlib.sha256(image.tobytes()).digest()


# The picture stays the same while its prompts change, so the last encodings are cached.
@cached(LRUCache(_CACHED_PICTURES), key=_content, lock=threading.Lock())
def display_image(image: Image.Image) -> bytes:
    """Return the picture for the view: WebP with at most `DISPLAY_SIDE` pixels per side."""
    return _encode(image, "WEBP", DISPLAY_SIDE, quality=90)


def frame_image(image: Image.Image) -> bytes:
    """Return the picture for a frame in a notebook: WebP with at most `FRAME_SIDE` pixels per side."""
    return _encode(image, "WEBP", FRAME_SIDE, quality=70)


def thumbnail(image: Image.Image) -> bytes:
    """Return the picture for a row of pictures: WebP with at most `THUMBNAIL_SIDE` pixels per side."""
    return _encode(image, "WEBP", THUMBNAIL_SIDE, quality=80)


def gallery_thumbnail(image: Image.Image, side: int) -> bytes:
    """Return the picture for a gallery of thousands: JPEG with at most ``side`` pixels per side.

    A WebP of the same quality is a quarter smaller and takes three times as long.
    """
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    small = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return _encode(small, "JPEG", quality=80)


def archive_image(image: Image.Image) -> bytes:
    """Return the picture for a saved explanation: PNG, or JPEG if the PNG would be very large."""
    if image.width * image.height <= _LOSSLESS_PIXELS:
        return _encode(image, "PNG")
    return _encode(image, "JPEG", quality=95, subsampling=0)


def data_url(image: Image.Image) -> str:
    """Return the picture as in the view, as a URL to embed in a page."""
    return "data:image/webp;base64," + base64.b64encode(display_image(image)).decode("ascii")


def card_url(image: Image.Image) -> str:
    """Return a picture with text as a URL to embed in HTML."""
    data = _encode(image, "WEBP", quality=80, method=2)  # as small as the default, in half the time
    return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")


def described_png(image: Image.Image, description: str) -> bytes:
    """Return the picture as a PNG with a description in its metadata."""
    info = PngInfo()
    info.add_itxt("Description", description)
    return _encode(image, "PNG", pnginfo=info, optimize=True)


def small_png(image: Image.Image, description: str) -> bytes:
    """Return a picture as `described_png` does, in 256 colors: a fifth of the size."""
    colors = image.quantize(256)
    return described_png(image.quantize(palette=colors), description)


def portable_url(image: Image.Image) -> str:
    """Return the full picture as a URL for drawing programs and typesetting, few of which read WebP.

    It is a PNG or a JPEG, whichever is smaller: drawn pictures are PNGs, photographs are JPEGs.
    """
    png, jpeg = _encode(image, "PNG"), _encode(image.convert("RGB"), "JPEG", quality=92)
    kind, data = min(("png", png), ("jpeg", jpeg), key=lambda one: len(one[1]))
    return f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")


def _encode(image: Image.Image, kind: str, side: int | None = None, **options: Any) -> bytes:
    """Return the encoded picture, shrunk where its long side is longer than ``side`` pixels."""
    if side is not None and max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
