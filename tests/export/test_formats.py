"""Which formats there are, and what `Explanation.save` and the command line say of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gradeclip_widget.cli import main
from gradeclip_widget.export.formats import suffixes, writer_for

from ..factories import make_explanation
from ..test_package import modules_after

FORMATS = (".gif", ".html", ".jpeg", ".jpg", ".json", ".npz", ".png", ".svg", ".webp")


def test_formats_are_found_in_the_folder() -> None:
    assert suffixes() == FORMATS


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_explanation_is_saved_in_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"e{suffix}"
    assert make_explanation().save(path) == path
    assert path.stat().st_size > 0


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
def test_a_picture_is_the_overlay_as_the_suffix_says(suffix: str, tmp_path: Path) -> None:
    e = make_explanation()
    kind = {".png": "PNG", ".webp": "WEBP"}.get(suffix, "JPEG")
    with Image.open(e.save(tmp_path / f"e{suffix}")) as image:
        assert (image.format, image.size) == (kind, e.image.size)
        if suffix == ".png":
            assert image.tobytes() == e.overlay().tobytes()


def test_a_suffix_without_a_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"cannot write 'e\.bmp': end its name in \.gif, \.html, \.jpeg"
    ):
        writer_for(Path("e.bmp"))


def test_the_help_lists_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    assert ", ".join(FORMATS) in " ".join(capsys.readouterr().out.split())


def test_finding_the_formats_brings_no_heavy_module() -> None:
    loaded = modules_after("from gradeclip_widget.export.formats import suffixes; suffixes()")
    assert not loaded & {"torch", "pandas", "plotly"}
