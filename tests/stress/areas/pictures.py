"""Damaged and hostile pictures of every format, arrays of any kind, and hostile texts as paths."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from gradeclip_widget.images.read import read_image, read_with_notes

from ..mutations import damage, hostile_text
from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import Shared

SIZE = (24, 18)
EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    b"(/tmp/x) (w) file closefile showpage\n%%EOF\n"
)


@functools.cache
def valid_files() -> dict[str, bytes]:
    """Return a small picture as a file of every format and mode that Pillow writes."""
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 255, (*SIZE[::-1], 3), np.uint8))
    sixteen = Image.fromarray(rng.integers(0, 65535, SIZE[::-1], np.uint16))
    frames = {"save_all": True, "append_images": [rgb.transpose(Image.Transpose.ROTATE_180)]}
    cases: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        **{f"PNG {mode}": (rgb.convert(mode), "PNG", {}) for mode in ("1", "L", "LA", "P", "RGBA")},
        "PNG 16 bit": (sixteen, "PNG", {}),
        "JPEG": (rgb, "JPEG", {}),
        "JPEG progressive": (rgb, "JPEG", {"progressive": True}),
        "JPEG CMYK": (rgb.convert("CMYK"), "JPEG", {}),
        "GIF animated": (rgb.convert("P"), "GIF", frames),
        "WebP": (rgb, "WEBP", {}),
        "WebP animated": (rgb, "WEBP", frames),
        "BMP": (rgb, "BMP", {}),
        "TIFF": (rgb, "TIFF", {}),
        "TIFF LZW": (rgb, "TIFF", {"compression": "tiff_lzw"}),
        "TIFF 16 bit": (sixteen, "TIFF", {}),
        "TIFF float": (rgb.convert("F"), "TIFF", {}),
        "TIFF pages": (rgb, "TIFF", frames),
        "PPM": (rgb, "PPM", {}),
        "TGA": (rgb, "TGA", {"compression": "tga_rle"}),
        "ICO": (rgb, "ICO", {}),
        "PCX": (rgb, "PCX", {}),
        "SGI": (rgb, "SGI", {}),
        "DDS": (rgb, "DDS", {}),
        "JPEG 2000": (rgb, "JPEG2000", {}),
        "AVIF": (rgb, "AVIF", {}),
        "MPO": (rgb, "MPO", frames),
        "ICNS": (rgb.resize((32, 32)), "ICNS", {}),
        "PDF": (rgb, "PDF", {}),
    }
    files = {"EPS": EPS, "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"}
    for name, (image, written_as, options) in cases.items():
        buffer = io.BytesIO()
        try:
            image.save(buffer, written_as, **options)
        except (KeyError, OSError, ValueError):
            continue  # this Pillow was built without the format
        files[name] = buffer.getvalue()
    return files


def huge_png(rng: Random) -> bytes:
    """Return a small PNG whose header claims a size at random."""
    sizes = (0, 1, 2**16, 2**20, 2**31 - 1, 2**32 - 1, 20_000, 13_000)
    width, height = rng.choice(sizes), rng.choice(sizes)
    depth, color = rng.choice(((8, 2), (16, 2), (16, 6), (1, 0), (8, 3), (16, 0), (7, 9)))

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, rng.choice((0, 0, 1)))
    data = zlib.compress(bytes(rng.choice((10, 1_000, 10_000_000))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def any_array(rng: Random) -> Any:
    """Return an array of any shape, type and values."""
    shape = tuple(rng.choice((0, 1, 2, 3, 4, 5, 12, 300)) for _ in range(rng.randint(0, 5)))
    shape = shape if np.prod(shape) < 1e6 else (12, 12, 3)
    dtype = rng.choice(("u1", "u2", "i1", "i8", "f2", "f4", "f8", "?", "c8", "O", "U3", "M8[s]"))
    values = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, shape)
    array = values.astype(dtype) if dtype != "O" else values.astype(object)
    if dtype in ("f4", "f8") and array.size and rng.random() < 0.5:
        array.flat[0] = rng.choice((np.nan, np.inf, -np.inf, 1e300 if dtype == "f8" else 1e30, -1))
    return array


class Pictures:
    """Pictures from anywhere are read, or are a documented error."""

    name, weight, seconds, megabytes = "pictures", 30, 10, 600

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Read a picture of any kind in any way."""
        kind = rng.choices(("file", "whole", "header", "array", "text"), (60, 8, 10, 12, 10))[0]
        if kind == "array":
            array = any_array(rng)
            return self._read(rng, kind, array)
        if kind == "text":
            text: Any = hostile_text(rng)
            text = rng.choice(
                (text, Path(text) if "\x00" not in text else text, str(folder) + text)
            )
            if isinstance(text, str) and text.lower().startswith("http"):
                text = "x" + text
            return self._read(rng, "hostile text as path", text)
        form, data = rng.choice(list(valid_files().items()))
        kind = f"{form}, damaged"
        if kind == "header":
            kind, data = "PNG with any size", huge_png(rng)
        elif rng.random() < 0.1:
            kind = f"{form}, whole"
        else:
            data = damage(rng, data)
        return self._given(rng, kind, data, folder)

    def _given(self, rng: Random, kind: str, data: bytes, folder: Path) -> Outcome:
        """Give a file as bytes, as a path with any suffix, open, or opened by Pillow."""
        name = folder / f"picture{rng.choice(('.png', '.jpg', '.txt', '', '.eps'))}"
        name.write_bytes(data)
        match rng.randrange(4):
            case 0:
                return self._read(rng, kind, data)
            case 1:
                return self._read(rng, kind, name, name.name)
            case 2:
                with name.open("rb") as file:
                    return self._read(rng, kind, file)
            case _:
                try:
                    image = Image.open(io.BytesIO(data), formats=read_formats())
                except Exception:  # noqa: BLE001 - Pillow's own errors, before the package is called
                    return Outcome(kind, "error", "not opened by Pillow")
                return self._read(rng, kind, image)

    def _read(self, rng: Random, kind: str, source: Any, names: str = "") -> Outcome:
        # The fast model explains some of them, to see that the error is the same there.
        if rng.random() < 0.1:
            call = self.shared.explainer
            answer = attempt(call, source, "a dog", documented=type(call).__call__, names=names)
            if not isinstance(answer, Failed) and not np.isfinite(answer.score):
                raise Fault(f"{kind} | the score is {answer.score}")
            return Outcome.of(f"{kind}, explained", answer)
        answer = attempt(read_image, source, documented=read_with_notes, names=names)
        if not isinstance(answer, Failed):
            if answer.mode != "RGB" or 0 in answer.size:
                raise Fault(f"{kind} | a picture of mode {answer.mode} and size {answer.size}")
            if kind.endswith("whole") and min(answer.size) < 12:
                raise Fault(f"{kind} | the size is {answer.size}")
        elif kind.endswith("whole") and kind.split()[0] in ("PNG", "JPEG", "GIF", "WebP", "BMP"):
            raise Fault(f"{kind} | is not read: {answer.error}")
        return Outcome.of(kind, answer)


def read_formats() -> list[str]:
    """Return the formats that a caller may open with Pillow: all but EPS, which is a program."""
    return [name for name in Image.OPEN if name not in ("EPS", "PDF", "WMF", "FPX")]
