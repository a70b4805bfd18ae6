"""Which files are opened as pictures, within bounds, and what is assumed about bits and bands."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.images import picture_suffixes, read_image, read_with_notes
from gradeclip_widget.images.formats import FORMATS

from ..factories import picture

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(a program) print\n%%EOF\n"
)


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in place of Ghostscript, and return the file that it writes when it is run."""
    ran, program = tmp_path / "ran", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho run >> {ran}\n[ $1 = --version ] && exit 0\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    return ran


def test_the_stand_in_for_ghostscript_is_run_by_pillow(ghostscript: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        Image.open(io.BytesIO(EPS)).load()
    assert ghostscript.exists()


def opened() -> Image.Image:
    return Image.open(io.BytesIO(EPS))


@pytest.mark.parametrize(
    "make",
    [
        lambda _: EPS,
        lambda _: (
            b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 30, len(EPS), 0, 0, 0, 0) + b"\0\0" + EPS
        ),
        lambda _: io.BytesIO(EPS),
        lambda folder: folder / "dog.jpg",
        lambda folder: str(folder / "dog.jpg"),
        lambda folder: (folder / "dog.jpg").as_uri(),
        lambda _: opened(),
        lambda folder: Image.open(folder / "dog.jpg"),
    ],
)
def test_a_picture_that_is_a_program_is_not_run(
    make: Callable[[Path], Any], ghostscript: Path, tmp_path: Path
) -> None:
    (tmp_path / "dog.jpg").write_bytes(EPS)
    with pytest.raises(ValueError, match="EPS"):
        read_image(make(tmp_path))
    assert not ghostscript.exists()


def test_programs_among_the_pictures_of_a_dataset_are_failed_pairs(
    ghostscript: Path, tmp_path: Path
) -> None:
    (tmp_path / "dog.png").write_bytes(EPS)
    pairs = [
        (picture(), "a dog"),
        *((each, "a dog") for each in (EPS, tmp_path / "dog.png", opened())),
    ]
    run = gw.explain_dataset(
        pairs, tmp_path / "run", model="demo", progress=False, workers=0, importances=False
    )
    assert run.explained == 1
    assert run.errors.reason.str.contains("EPS").tolist() == [True] * 3
    assert not ghostscript.exists()


def test_suffixes_are_of_formats_that_are_read() -> None:
    suffixes = picture_suffixes()
    assert suffixes[:2] == (".jpg", ".jpeg")
    assert {".avif", ".jfif", ".ppm", ".tif"} < set(suffixes)
    assert not {".eps", ".ps", ".wmf", ".pdf", ".mpg", ".iim"} & set(suffixes)
    assert not {"EPS", "WMF", "IPTC"} & set(FORMATS)


def many_scans(count: int) -> bytes:
    """Return a progressive JPEG with its last scan repeated."""
    buffer = io.BytesIO()
    picture((64, 64)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def test_a_jpeg_of_many_scans_is_refused() -> None:
    assert read_image(many_scans(20)).size == (64, 64)
    with pytest.raises(ValueError, match=r"holds 4\d\d scans"):
        read_image(many_scans(400))
    # What follows a picture, as the film of a phone's moving photo, has no scans.
    assert read_image(many_scans(0) + b"\xff\xda\x00\x08" * 500).size == (64, 64)


def test_16_bits_take_little_memory_beside_the_picture() -> None:
    values = np.full((2000, 2000), 40_000, np.uint16)
    tracemalloc.start()
    try:
        read_image(values)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


# Bits and bands


def png(values: np.ndarray) -> bytes:
    """Return a PNG of 16 bits per channel, (H, W, 3 or 4)."""
    height, width, channels = values.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def tiff(values: np.ndarray, extra: int | None = None, planar: int = 1) -> bytes:
    """Return a TIFF of (H, W, C) in RGB; with ``extra``, its fourth band has that meaning."""
    height, width, channels = values.shape
    bits = 8 * values.itemsize
    data = (np.moveaxis(values, -1, 0) if planar == 2 else values).tobytes()
    lists = struct.pack(f"<{channels}H", *[bits] * channels)
    size = height * width * values.itemsize
    starts = struct.pack(f"<{channels}I", *(8 + n * size for n in range(channels)))
    counts = struct.pack(f"<{channels}I", *[size] * channels)
    end = 8 + len(data)
    strips = (
        (273, 4, channels, end + len(lists)),
        (279, 4, channels, end + len(lists) + len(starts)),
    )
    if planar == 1:
        strips = ((273, 4, 1, 8), (279, 4, 1, len(data)))
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, end), (259, 3, 1, 1)),
        *((262, 3, 1, 2), (277, 3, 1, channels), (278, 4, 1, height), (284, 3, 1, planar)),
        *strips,
        *([] if extra is None else [(338, 3, 1, extra)]),
    ]
    directory = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    lists += starts + counts
    start = struct.pack("<I", end + len(lists))
    count = struct.pack("<H", len(tags))
    return b"II*\0" + start + data + lists + count + directory + bytes(4)


def dark(bits: int, channels: int = 3) -> np.ndarray:
    """Return values (20, 30, C) that run up to the largest of so many bits; a fourth channel is opaque."""
    values = np.linspace(0, 2**bits - 1, 1800).reshape(20, 30, 3).astype(np.uint16)
    if channels == 4:
        return np.dstack([values, np.full((20, 30), 65535, np.uint16)])
    return values


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("channels", [3, 4])
def test_fewer_bits_in_16_are_read_on_their_scale_with_a_note(bits: int, channels: int) -> None:
    """A file and an array of the same values are the same picture."""
    values = dark(bits, channels)
    expected = np.rint(values[..., :3] * (255 / (2**bits - 1)))
    for source in (png(values), tiff(values, 2 if channels == 4 else None), values):
        loaded = read_with_notes(source)
        np.testing.assert_array_equal(np.asarray(loaded.image), expected)
        assert f"from 0 to {2**bits - 1} and were read on the scale" in loaded.notes[0]


def test_16_bits_keep_their_scale_without_a_note() -> None:
    values = dark(16)
    for source in (png(values), tiff(values), values):
        loaded = read_with_notes(source)
        assert np.abs(np.asarray(loaded.image, int) - values / 257).max() <= 1
        assert loaded.notes == ()


@pytest.mark.parametrize(("extra", "is_alpha"), [(None, False), (0, False), (2, True)])
def test_bands_of_unknown_meaning_are_left_out_with_a_note(
    extra: int | None, is_alpha: bool
) -> None:
    """A band of infrared is not taken for transparency."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (20, 30, 4), dtype=np.uint8)
    loaded = read_with_notes(tiff(values, extra))
    same = (np.asarray(loaded.image) == values[..., :3]).all()
    assert same != is_alpha
    assert any("4 bands: the first 3 were read" in note for note in loaded.notes) != is_alpha


def test_bands_that_pillow_reads_wrongly_are_refused() -> None:
    with pytest.raises(ValueError, match="16-bit bands one after the other"):
        read_image(tiff(dark(16), planar=2))
    values = np.zeros((20, 30, 5), np.uint8)
    with pytest.raises(ValueError, match="a TIFF whose bands"):
        read_image(tiff(values))


@pytest.mark.parametrize("dtype", ["float16", ">u2", ">f4", "int32", "uint64", "bool"])
def test_arrays_of_any_number_type_are_read(dtype: str) -> None:
    values = np.zeros((20, 30, 3), dtype)
    values[:, 15:] = 1 if dtype in ("float16", ">f4", "bool") else 65535 if dtype == ">u2" else 255
    image = np.asarray(read_image(values))
    assert (image[:, :15] == 0).all()
    assert (image[:, 15:] == 255).all()


def test_notes_on_damaged_files_are_kept_apart_between_threads() -> None:
    """Each picture has its note, though Python's warnings are of the whole process."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 1
    picture().save(buffer, "JPEG", exif=exif)
    broken = bytearray(buffer.getvalue())
    at = broken.find(b"Exif\0\0") + 14
    broken[at : at + 2] = b"\xff\xff"  # more entries than there are
    counts: dict[bool, set[int]] = {True: set(), False: set()}

    def read(data: bytes, is_broken: bool) -> None:
        for _ in range(30):
            counts[is_broken].add(len(read_with_notes(data).notes))

    threads = [
        threading.Thread(target=read, args=(bytes(broken), True)),
        threading.Thread(target=read, args=(png(dark(16)), False)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts[False] == {0}
    assert counts[True] == {1}
