"""The file formats, in `Explanation.save` and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gradeclip_widget.cli import main
from gradeclip_widget.export.formats import suffixes, writer_for

from ..factories import make_explanation
from ..test_package import modules_after

FORMATS = {  # and how a file of each begins
    ".gif": b"GIF89a",
    ".html": b"<!doctype html>",
    ".jpeg": b"\xff\xd8",
    ".jpg": b"\xff\xd8",
    ".json": b"{",
    ".npz": b"PK",
    ".png": b"\x89PNG",
    ".svg": b"<svg",
    ".webp": b"RIFF",
}


def test_the_table_has_all_formats() -> None:
    assert suffixes() == tuple(FORMATS)


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_explanation_is_saved_in_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"e{suffix}"
    assert make_explanation().save(path) == path
    assert path.read_bytes().startswith(FORMATS[suffix])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
def test_a_picture_is_the_overlay_in_the_format_of_the_suffix(suffix: str, tmp_path: Path) -> None:
    e = make_explanation()
    kind = {".png": "PNG", ".webp": "WEBP"}.get(suffix, "JPEG")
    with Image.open(e.save(tmp_path / f"e{suffix}")) as image:
        assert (image.format, image.size) == (kind, e.image.size)
        if suffix == ".png":
            assert image.tobytes() == e.overlay().tobytes()


def test_an_unknown_suffix_raises_and_lists_the_others() -> None:
    with pytest.raises(ValueError, match=r"e\.bmp.*\.gif, \.html"):
        writer_for(Path("e.bmp"))


def test_the_help_lists_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    assert ", ".join(FORMATS) in " ".join(capsys.readouterr().out.split())


def test_the_formats_import_no_heavy_module() -> None:
    loaded = modules_after("from gradeclip_widget.export.formats import suffixes; suffixes()")
    assert not loaded & {"torch", "pandas", "plotly"}
