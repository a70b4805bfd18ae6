"""The warning that a picture is foreign to the model, in every kind of picture."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from gradeclip_widget.export.cell_output import fallback
from gradeclip_widget.export.highlights import alt_text
from gradeclip_widget.export.lettering import BANNER_COLOR, with_banner, wrapped
from gradeclip_widget.export.painting.fonts import font_for
from gradeclip_widget.export.svg import svg

from ..factories import make_explanation, picture

WARNING = "This model knows drawings only, and this picture is not one."
FOREIGN = make_explanation(
    foreign=True, notes=(WARNING, "Another note."), image=picture((600, 400))
)
KNOWN = make_explanation(notes=("Another note.",), image=picture((600, 400)))


def share_of_banner(image: Image.Image) -> float:
    """The fraction of the upper sixth of a picture with the warning's background."""
    pixels = np.asarray(image.convert("RGB"), int)[: image.height // 6]
    near = np.abs(pixels - ImageColor.getrgb(BANNER_COLOR)).max(-1) < 12
    return float(near.mean())


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_card_begins_with_the_warning() -> None:
    assert share_of_banner(opened(FOREIGN.to_png())) > 0.3
    assert share_of_banner(opened(KNOWN.to_png())) == 0


def test_every_frame_of_an_animation_has_the_warning() -> None:
    film = opened(FOREIGN.to_gif())
    for frame in range(film.n_frames):
        film.seek(frame)
        assert share_of_banner(film) > 0.3
    assert share_of_banner(opened(KNOWN.to_gif())) == 0


def test_a_drawing_has_the_warning_above_the_picture() -> None:
    text = svg(FOREIGN)
    assert f'fill="{BANNER_COLOR}"' in text
    assert "drawings only" in text.split("<image")[1]
    head, _, _ = text.partition(">")
    assert 'height="400"' not in head  # it is higher than the picture
    assert BANNER_COLOR not in svg(KNOWN)
    assert 'viewBox="0 0 600 400"' in svg(KNOWN)


def test_only_a_picture_with_a_warning_is_enlarged(tmp_path: Path) -> None:
    assert share_of_banner(Image.open(FOREIGN.save(tmp_path / "foreign.png"))) > 0.3
    assert Image.open(KNOWN.save(tmp_path / "known.png")).size == KNOWN.image.size


def test_the_description_begins_with_the_warning() -> None:
    assert alt_text(FOREIGN).startswith(WARNING)
    assert alt_text(KNOWN).startswith("Picture explained")


def test_the_fallback_of_a_cell_has_the_warning() -> None:
    output = fallback([FOREIGN], 0, None, "id")
    assert output["text/plain"].startswith(WARNING)
    without_pictures = re.sub("<img[^>]*>", "", output["text/html"])
    assert html.escape(WARNING) in without_pictures


def test_the_overlay_has_no_warning() -> None:
    assert FOREIGN.overlay().tobytes() == KNOWN.overlay().tobytes()


def test_without_a_warning_the_picture_is_unchanged() -> None:
    assert with_banner(picture(), None, 15) == picture()


@pytest.mark.parametrize("width", [40, 200, 1000])
def test_lines_fit_the_width(width: int) -> None:
    font = font_for(tuple(WARNING.split()), 15)
    lines = wrapped(WARNING, font, width)
    assert " ".join(lines) == WARNING
    assert all(font.getlength(line) <= width or " " not in line for line in lines)
