"""Pictures of every kind, and the notes on what was assumed about them."""

from __future__ import annotations

import http.server
import io
import re
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, features

from gradeclip_widget.images import read_image, read_with_notes, web

from ..factories import picture


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def notes_on(source: Any) -> str:
    return " ".join(read_with_notes(source).notes)


# Open files


def test_a_buffer_is_read_from_its_beginning_and_keeps_its_position() -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    position = buffer.tell()
    assert position > 0
    assert read_image(buffer).tobytes() == picture().tobytes()
    assert buffer.tell() == position


def test_an_open_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    with path.open("rb") as file:
        assert read_image(file).tobytes() == picture().tobytes()
    with pytest.raises(ValueError, match=r"a\.png.*closed"):
        read_image(file)
    with path.open(encoding="latin-1") as text, pytest.raises(TypeError, match="text"):
        read_image(text)


def test_a_stream_that_cannot_seek_is_read() -> None:
    class Stream(io.RawIOBase):
        left = encoded(picture())

        def readable(self) -> bool:
            return True

        def readinto(self, into: Any) -> int:
            part, self.left = self.left[: len(into)], self.left[len(into) :]
            into[: len(part)] = part
            return len(part)

    assert read_image(Stream()).tobytes() == picture().tobytes()


def test_an_image_whose_file_was_closed_too_early_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    with Image.open(path) as image:
        pass
    with pytest.raises(ValueError, match=r"closed.*image.load"):
        read_image(image)
    with path.open("rb") as file:
        image = Image.open(file)
    with pytest.raises(ValueError, match="closed"):
        read_image(image)


def test_the_output_of_a_processor_raises_and_names_pixel_values() -> None:
    with pytest.raises(TypeError, match=r"dict.*\['pixel_values'\]"):
        read_image({"pixel_values": np.zeros((1, 3, 4, 4))})


def test_an_array_of_another_library_is_read() -> None:
    class Foreign:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.asarray(picture())

    assert read_image(Foreign()).tobytes() == picture().tobytes()


# Layouts and scales of arrays


def test_channels_may_be_first_and_a_batch_may_have_one_picture() -> None:
    values = np.asarray(picture())
    for array in (np.moveaxis(values, -1, 0), values[None], np.moveaxis(values, -1, 0)[None]):
        read = read_with_notes(array)
        assert read.image.tobytes() == picture().tobytes()
        assert read.notes == ()
    gray = np.asarray(picture().convert("L"))
    assert read_image(gray[None]).tobytes() == read_image(gray).tobytes()


def test_an_ambiguous_layout_is_noted() -> None:
    assert "the last axis was read as that of the channels" in notes_on(np.full((3, 9, 3), 200))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ((np.arange(64) * 65).astype(np.uint16).reshape(8, 8), "from 0 to 4095 .* 0..4095"),
        (np.arange(64).reshape(8, 8), "from 0 to 63 .* 0..255"),
        (np.linspace(0, 1.5, 64).reshape(8, 8), "from 0 to 1.5 .* 0..255"),
        (np.eye(8, dtype=np.uint8), "from 0 to 1 and were read on the scale 0..255"),
        (np.arange(300).reshape(15, 20), "from 0 to 299 .* 0..1023"),
    ],
    ids=["12 bits", "labels", "brightened", "mask", "sums"],
)
def test_an_uncertain_scale_is_noted(values: Any, word: str) -> None:
    (note,) = read_with_notes(values).notes
    assert re.search(word, note), note


@pytest.mark.parametrize(
    "values",
    [
        np.asarray(picture()),
        np.asarray(picture()) / 255,
        np.asarray(picture()).astype(float),
        np.asarray(picture()).astype(np.uint16) * 257,
        np.asarray(picture()) // 10,
        np.zeros((4, 4)),
        np.eye(4, dtype=bool),
    ],
    ids=["bytes", "0..1", "0..255", "16 bits", "dark bytes", "black", "mask"],
)
def test_a_certain_scale_is_not_noted(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    assert read_with_notes(values).notes == ()


def test_with_opencv_loaded_the_order_of_the_channels_is_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", sys)
    assert "OpenCV, which is loaded, has blue first" in notes_on(np.asarray(picture()))
    assert notes_on(np.asarray(picture().convert("L"))) == ""
    assert notes_on(picture()) == ""


# What a file leaves open


def test_transparency_is_noted() -> None:
    image = Image.new("RGBA", (8, 8), (200, 30, 40, 255))
    assert notes_on(image) == ""
    image.putpixel((0, 0), (0, 0, 0, 0))
    assert notes_on(encoded(image)) == "Where the picture is transparent, it was laid over white."
    image.putalpha(0)
    assert "transparent all over, so it was read as white" in notes_on(np.asarray(image))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_skipped_frames_are_noted(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert "several frames or pages: the first one was read" in notes_on(data)
    image = Image.open(io.BytesIO(data))
    image.seek(1)
    read = read_with_notes(image)
    assert "number 2 was read" in " ".join(read.notes)
    assert read.image.getpixel((4, 4))[2] > 200  # type: ignore[index]
    assert notes_on(encoded(frames[0], kind)) == ""


def test_an_orientation_tag_is_noted_if_the_pixels_may_be_turned_already() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(encoded(picture(), exif=exif)))
    assert notes_on(opened) == ""
    turned = opened.rotate(-90, expand=True)  # Pillow keeps the tag
    assert "turned as its EXIF orientation says; if its pixels had been" in notes_on(turned)
    assert notes_on(ImageOps.exif_transpose(opened)) == ""


def test_colors_of_another_space_are_noted() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert "were read as if they were sRGB" in notes_on(encoded(picture(), icc_profile=profile))
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert notes_on(encoded(picture(), icc_profile=plain)) == ""
    assert notes_on(encoded(picture(), icc_profile=b"nonsense")) == ""
    assert "in CMYK and was converted" in notes_on(encoded(picture().convert("CMYK"), "JPEG"))


# Damage and unknown kinds


def test_pillows_warnings_become_a_note_and_are_not_printed() -> None:
    data = bytearray(encoded(picture(), "TIFF"))
    count = struct.unpack_from("<H", data, struct.unpack_from("<I", data, 4)[0])[0]
    start = struct.unpack_from("<I", data, 4)[0] + 2
    for n in range(count):
        tag = struct.unpack_from("<H", data, start + 12 * n)[0]
        if tag == 284:  # planar configuration has one value; claim two
            struct.pack_into("<I", data, start + 12 * n + 4, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_with_notes(bytes(data))
    assert read.image.size == picture().size
    (note,) = read.notes
    assert note.startswith("The picture's file is damaged, but could be read (Metadata Warning")


def test_other_warnings_pass_while_a_picture_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ImageOps.exif_transpose

    def transpose(image: Image.Image) -> Image.Image:
        warnings.warn("from elsewhere", UserWarning, stacklevel=1)
        return original(image)

    monkeypatch.setattr(ImageOps, "exif_transpose", transpose)
    with pytest.warns(UserWarning, match="from elsewhere"):
        assert read_with_notes(encoded(picture())).notes == ()


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_a_damaged_avif_raises() -> None:
    data = bytearray(encoded(picture((64, 64)), "AVIF"))
    at = data.index(b"mdat")
    data[at + 4 : at + 60] = b"\xff" * 56
    with pytest.raises(ValueError, match="damaged picture") as raised:
        read_image(bytes(data))
    assert type(raised.value.__cause__) is RuntimeError


def test_a_dds_of_an_unknown_kind_raises() -> None:
    data = bytearray(encoded(picture((64, 64)), "DDS"))
    struct.pack_into("<I", data, 80, 0x4)  # a code of four letters,
    data[84:88] = b"WHAT"  # which nobody knows
    with pytest.raises(ValueError, match="Pillow cannot read") as raised:
        read_image(bytes(data))
    assert type(raised.value.__cause__) is NotImplementedError


@pytest.mark.parametrize(
    "error", [RuntimeError, NotImplementedError, KeyError, AttributeError, zlib.error]
)
def test_every_error_of_pillow_becomes_a_value_error(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def transpose(image: Image.Image) -> Image.Image:
        raise error("inside")

    monkeypatch.setattr(ImageOps, "exif_transpose", transpose)
    with pytest.raises(ValueError, match=r"^the data is a .*inside"):
        read_image(encoded(picture()))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run `git lfs pull`"),
        (b"\n<!DOCTYPE html><html><body>", "is a web page; give the address or the file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing; export it as PNG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "install pillow-heif"),
    ],
)
def test_other_kinds_of_files_are_named(data: bytes, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_image(data)


def test_an_error_about_values_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "heights.tif"
    Image.fromarray(np.full((4, 4), -1e30, np.float32)).save(path)
    with pytest.raises(ValueError, match=r"heights\.tif.*-1e\+30"):
        read_image(path)


@pytest.mark.parametrize(
    "address", ["ftp://a/b.png", "file://a/b.png", "hdfs://a/b.png", "data:image/png;base64,AAAA"]
)
def test_an_address_of_another_scheme_raises(address: str) -> None:
    with pytest.raises(ValueError, match="address of"):
        read_image(address)


def test_a_file_address_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ein Bild.png"
    Image.new("RGB", (3, 2), "red").save(path)
    assert read_image(path.as_uri()).size == (3, 2)


def test_a_path_that_is_too_long_raises_a_short_message() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        read_image("/9j/" + "A" * 100_000)
    assert len(str(raised.value)) < 1000


# Web addresses


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers that a picture's address may give."""

    def do_GET(self) -> None:
        data = encoded(picture())
        path, _, query = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", query)
            self.end_headers()
        elif path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop?" + query + "x")
            self.end_headers()
        elif path == "/missing.png":
            self.send_error(404)
        elif path == "/large.png":
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
        elif path == "/endless.png":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(bytes(2**16))
        elif path == "/slow.png":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            for n in range(len(data)):
                self.wfile.write(data[n : n + 1])
                self.wfile.flush()
                time.sleep(0.05)
        elif path == "/page.html":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html><img src='a.png'></html>")
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that stops reading

    with Quiet(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/a.png", "/eine Straße.png?size=1#top", "/to?/a.png"])
def test_a_picture_at_a_web_address_is_read(server: str, path: str) -> None:
    read = read_with_notes(server + path)
    assert read.image.tobytes() == picture().tobytes()
    assert read.notes == ()
    assert read_image((server + path).replace("http", "HTTP", 1)).size == picture().size


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a.png", "data:,a"])
def test_a_redirect_to_anything_but_the_web_is_not_followed(server: str, target: str) -> None:
    with pytest.raises(ValueError, match=f"redirects to '{target}'"):
        read_image(f"{server}/to?{target}")


def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    redirects = web._SafeRedirects()

    def follow(source: str, target: str) -> Any:
        request = urllib.request.Request(source)
        return redirects.redirect_request(request, io.BytesIO(), 302, "Found", {}, target)

    assert follow("http://a/b", "https://a/b").full_url == "https://a/b"
    with pytest.raises(urllib.error.HTTPError):
        follow("https://a/b", "http://a/b")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing.png", "404 Not Found"),
        ("/large.png", "64 MB"),
        ("/loop", "too many redirects"),
        ("/page.html", "page.html' is a web page"),
    ],
)
def test_an_address_without_a_picture_raises_an_error_that_says_why(
    server: str, path: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_image(server + path)


def test_the_size_of_a_download_is_limited(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_BYTES", 2**20)
    with pytest.raises(ValueError, match="1 MB"):
        read_image(f"{server}/endless.png")


def test_a_slow_server_ends_in_a_timeout(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SECONDS", 0.4)
    with pytest.raises(TimeoutError, match=r"0\.4 seconds"):
        read_image(f"{server}/slow.png")  # all of it would take much longer


def test_a_server_that_cannot_be_reached_raises_a_connection_error(server: str) -> None:
    with pytest.raises(ConnectionError, match="refused"):
        read_image(f"{server.rpartition(':')[0]}:1/a.png")


@pytest.mark.parametrize("address", ["http://", "http://a:b/c.png", "http://[::1/a.png"])
def test_a_malformed_address_raises_an_error(address: str) -> None:
    with pytest.raises((ValueError, ConnectionError), match="check the address"):
        read_image(address)
