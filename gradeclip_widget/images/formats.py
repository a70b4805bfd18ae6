"""Which files are opened as pictures: formats that are data, within bounds of time and memory."""

from __future__ import annotations

import re
from typing import BinaryIO

from PIL import Image, ImageFile

# Formats whose files are data, not programs or containers of other files: Pillow runs an EPS with
# Ghostscript, gives a WMF to Windows, and opens any format inside an IPTC file. A plugin adds HEIF and JXL.
FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF", "JPEG2000", "JXL", "MPO"),
    *("CUR", "DCX", "DDS", "DIB", "ICNS", "ICO", "MSP", "PCX", "PPM", "PSD", "QOI", "SGI", "SUN"),
    *("TGA", "XBM", "XPM"),
)
_USUAL = (".jpg", ".jpeg", ".png", ".webp")
# A scan decodes all pixels once more, and a few bytes make one; encoders write about ten.
_MAX_SCANS = 64
# Of a JPEG, in which scans are counted: a film may follow the end of the picture.
_MOST_BYTES = 200_000_000
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # not a byte of a scan's data, nor its restarts
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_PHOTOMETRIC, _SAMPLES, _PLANAR, _EXTRA, _BITS = 262, 277, 284, 338, 258  # tags of TIFF
_RGB, _SEPARATE, _ALPHA = 2, 2, (1, 2)


def open_picture(file: BinaryIO) -> Image.Image:
    """Open a file as Pillow does, but only in the formats of `FORMATS`; the pixels are not read yet.

    Raises:
        PIL.UnidentifiedImageError: it has none of these formats.
        NotImplementedError: its pixels are arranged in a way that Pillow reads wrongly.
        ValueError: reading its pixels would take very long.
    """
    image = Image.open(file, formats=_known_formats())
    if image.format in ("JPEG", "MPO") and (scans := _count_scans(file)) > _MAX_SCANS:
        raise ValueError(f"it holds {scans} scans, and at most {_MAX_SCANS} are read")
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if tags.get(_PLANAR) == _SEPARATE and max(tags.get(_BITS, (1,))) > 8:
            raise NotImplementedError("a TIFF with 16-bit bands one after the other")
    return image


def picture_suffixes() -> tuple[str, ...]:
    """Return the suffixes of pictures' files, in lower case with their dots, the usual ones first."""
    known = set(_known_formats())
    suffixes = {s for s, kind in Image.registered_extensions().items() if kind in known}
    return (*_USUAL, *sorted(suffixes.difference(_USUAL)))


def check_opened(image: Image.Image) -> None:
    """Check that reading the pixels of an image that was opened elsewhere runs no program.

    Raises:
        ValueError: its pixels are not read yet, and its format is none of `FORMATS`.
    """
    unread = isinstance(image, ImageFile.ImageFile) and image.tile
    if image.format not in FORMATS and (unread or isinstance(image, ImageFile.StubImageFile)):
        raise ValueError(
            f"the image is open as {image.format}, which is not read here, since such files can be programs; "
            "call image.load() first if you trust it, or convert it to PNG"
        )


def use_known_bands(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Return an image without the bands of a TIFF whose meaning its file does not state, and a note on them.

    A fourth band may be infrared or depth; Pillow takes it for transparency.
    """
    tags = getattr(image, "tag_v2", {})
    count = tags.get(_SAMPLES, 1)
    if image.format != "TIFF" or tags.get(_PHOTOMETRIC) != _RGB or count < 4:
        return image, []
    has_alpha = tags.get(_EXTRA, (0,))[0] in _ALPHA
    if has_alpha and count == 4:
        return image, []
    if not has_alpha and image.mode == "RGBA":
        image = Image.merge("RGB", image.split()[:3])
    use = "red, green, blue and transparency" if has_alpha else "red, green and blue"
    note = f"The picture has {count} bands: the first {4 if has_alpha else 3} were read as {use}."
    return image, [note]


def raw_mode(image: Image.Image) -> str:
    """Return how the pixels of an open file are stored, as Pillow names it (``"RGB;16B"``), or ""."""
    tiles = getattr(image, "tile", ())
    args = tiles[0].args if tiles else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def open_low_bytes(file: BinaryIO) -> Image.Image:
    """Open a picture of 16 bits per channel so that its pixels are the low bytes; Pillow reads the high ones.

    The order of bytes is stated the wrong way round to Pillow.
    """
    file.seek(0)
    image = Image.open(file, formats=_known_formats())
    swap = str.maketrans({"B": "L", "L": "B", "N": "B"})  # N is the order of this machine

    def swapped(mode: str) -> str:
        colors, _, order = mode.partition(";")
        return f"{colors};{order.translate(swap)}"

    tiles = []
    for tile in image.tile:
        mode, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        order = swapped(str(mode))
        tiles.append(tile._replace(args=(order, *rest) if rest else order))
    image.tile = tiles
    return image


def _known_formats() -> list[str]:
    """Return the formats of `FORMATS` that this Pillow and its plugins can read."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _count_scans(file: BinaryIO) -> int:
    """Return the number of scans in a JPEG file up to its end of image."""
    position = file.tell()
    file.seek(0)
    data = file.read(_MOST_BYTES)
    file.seek(position)
    if (most := data.count(bytes((0xFF, _START_OF_SCAN)))) <= _MAX_SCANS:
        return most
    scans, place = 0, 2
    while (marker := _MARKER.search(data, place)) is not None:
        kind = data[marker.start() + 1]
        if kind == _END_OF_IMAGE:
            break
        scans += kind == _START_OF_SCAN
        place = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2]))
    return scans
