"""Under forced colors, as of Windows' contrast themes, everything stands out from the ground."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from gradeclip_widget.export.html import page as make_page

from .conftest import OpenPage
from .made import made_explanation
from .view import View

Scheme = Literal["light", "dark"]
LEAST = 3.0  # contrast of what is no text (WCAG 2.2, 1.4.11)


@pytest.fixture
def page(open_page: OpenPage, tmp_path: Path) -> Page:
    """A page with two prompts, one with colored words."""
    explanations = [made_explanation(), made_explanation("the whale")]
    make_page(explanations, tmp_path / "made.html")
    return open_page(tmp_path / "made.html")


def luminance(rgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the relative luminance of colors (..., 3) of 0 to 255."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


class Screen:
    """What a page shows, and how it contrasts with its ground."""

    def __init__(self, view: View) -> None:
        view.settle()
        shot = Image.open(io.BytesIO(view.page.screenshot(full_page=True))).convert("RGB")
        self._pixels = np.asarray(shot, float)
        self.ground = self._pixels[2, 2]

    def contrasts(self, element: Locator) -> NDArray[np.floating]:
        """Return the contrast of each pixel (height, width) of an element with the page's ground."""
        box = element.bounding_box()
        assert box is not None
        x0, y0 = round(box["x"]), round(box["y"])
        part = self._pixels[
            y0 : round(box["y"] + box["height"]), x0 : round(box["x"] + box["width"])
        ]
        a, b = luminance(part), luminance(self.ground)
        return np.asarray((np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05))

    def fill(self, element: Locator) -> float:
        """Return the contrast of most of an element."""
        return float(np.median(self.contrasts(element)))

    def edge(self, element: Locator) -> float:
        """Return the contrast of an element's upper edge."""
        return float(np.median(self.contrasts(element)[:2, 8:-8], axis=1).max())


def check_segments(view: View) -> None:
    """Check that the chosen segments of all switches can be told from the others."""
    view.button("Settings").click()
    screen, switches = Screen(view), view.root.locator(".gradeclip-segmented")
    chosen = switches.locator(":checked + span:visible").all()
    assert len(chosen) >= 3
    for element in chosen:
        assert screen.fill(element) >= LEAST
    for element in switches.locator(":not(:checked) + span:visible").all():
        assert screen.fill(element) == 1
    view.button("Settings").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_of_a_view_stands_out_from_the_ground(page: Page, scheme: Scheme) -> None:
    page.emulate_media(forced_colors="active", color_scheme=scheme)
    view = View(page, page)
    screen, root = Screen(view), view.root
    bars = root.locator(".gradeclip-track:visible > i:not([hidden])").all()
    wide = [bar for bar in bars if (bar.bounding_box() or {"width": 0})["width"] >= 4]
    swatches = root.locator(".gradeclip-hues i").all()
    rows = root.locator(".gradeclip-prompt:visible")
    assert min(len(wide), len(swatches)) >= 2
    for element in [*wide, *swatches, rows.first]:
        assert screen.fill(element) >= LEAST
    assert screen.fill(rows.last) == 1
    for word in ("the", "whale"):
        assert screen.edge(view.word(word)) < LEAST, "a word has no frame"
    assert view.faint_texts() == []
    check_segments(view)
    view.word("fox").click()
    view.look_away()
    expect(view.pinned).to_have_text(["fox"])
    screen = Screen(view)
    assert screen.edge(view.word("fox")) >= LEAST
    assert screen.edge(view.word("whale")) < LEAST
    assert screen.edge(root.locator(".gradeclip-bar.is-shown").first) >= LEAST
    assert view.faint_texts() == []
