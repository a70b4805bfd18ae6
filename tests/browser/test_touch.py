"""The view under fingers, on a phone and on a tablet, with the touch events of a real browser."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .made import FOX, WHALE, made_explanation
from .view import Point, View

PHONE, TABLET = (390, 844), (820, 1180)
HOLD = 700  # ms that a finger rests in a long press
REST = 100  # ms before a finger is lifted: after a fling the browser ignores the next tap
SIZE = 44  # pixels that a finger can hit

# What can be tapped: everything that takes the focus, and what stands for it.
_SMALL = """(root, size) => [...root.querySelectorAll("button, select, input, .gradeclip-bar.is-word")]
  .map((control) => control.closest("label, .gradeclip-bar, .gradeclip-prompt") ?? control)
  .filter((target) => target.checkVisibility() && !target.closest(".gradeclip-handle-place"))
  .filter((target) => Math.round(target.getBoundingClientRect().height) < size)
  .map((target) => target.outerHTML.slice(0, 120))"""


@pytest.fixture(params=[PHONE, TABLET], ids=["phone", "tablet"])
def view(chromium: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[View]:
    """A page with room below, so that it can be scrolled."""
    width, height = request.param
    made_explanation().to_html(tmp_path / "made.html")
    context = chromium.new_context(
        viewport={"width": width, "height": height}, has_touch=True, is_mobile=True
    )
    with contextlib.closing(context):
        page = context.new_page()
        page.goto((tmp_path / "made.html").as_uri())
        page.evaluate("document.body.style.paddingBottom = '2000px'")
        yield View(page, page)


class Finger:
    """One finger on a page."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._protocol = view.page.context.new_cdp_session(view.page)

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self._protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, *path: Point, hold: int = 0) -> None:
        """Drag over the picture from point to point, after resting for some milliseconds."""
        box = self._view.stage.bounding_box()
        assert box is not None
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
        self._send("touchStart", [{"x": places[0][0], "y": places[0][1]}])
        self._view.page.wait_for_timeout(hold)
        for (x0, y0), (x1, y1) in itertools.pairwise(places):
            for k in range(1, 11):
                self._send(
                    "touchMove", [{"x": x0 + (x1 - x0) * k / 10, "y": y0 + (y1 - y0) * k / 10}]
                )
        self._view.page.wait_for_timeout(REST)
        self._send("touchEnd", [])
        self._view.settle()

    def hold_on(self, text: str) -> None:
        """Rest on a word."""
        box = self._view.word(text).bounding_box()
        assert box is not None
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        self._send("touchStart", [place])
        self._view.page.wait_for_timeout(HOLD)
        self._send("touchEnd", [])


def toward(degrees: float) -> Point:
    """Where a drag from (0.5, 0.25) over half of the picture's height leads."""
    angle = math.radians(degrees)
    return 0.5 + 0.4 * math.cos(angle), 0.25 + 0.4 * math.sin(angle)


def scrolled(page: Page) -> float:
    return float(page.evaluate("scrollY"))


def unselect(view: View) -> None:
    view.button("Clear").tap()
    expect(view.region).to_have_attribute("d", "")


def test_a_tap_selects_a_swipe_scrolls_and_a_rest_draws(view: View) -> None:
    finger = Finger(view)
    finger.drag((0.6, 0.3), (0.6, 0.1))
    expect(view.region).to_have_attribute("d", "")
    assert scrolled(view.page) > 0
    view.page.evaluate("scrollTo(0, 0)")
    finger.drag(WHALE)
    expect(view.region).not_to_have_attribute("d", "")
    expect(view.tip.locator("bdi").first).to_have_text("whale")
    expect(view.tip).to_be_in_viewport()
    unselect(view)
    finger.drag((0.6, 0.2), (0.9, 0.2))
    assert view.region_numbers()[2] == pytest.approx(504, abs=12), "along the lines it draws a box"
    unselect(view)
    finger.drag((0.6, 0.2), (0.62, 0.8), hold=HOLD)
    assert view.region_numbers()[3] == pytest.approx(320, abs=12)
    assert scrolled(view.page) == 0


def test_with_a_tool_the_picture_has_every_drag(view: View) -> None:
    finger = Finger(view)
    view.button("Box").tap()
    expect(view.button("Box")).to_have_attribute("aria-pressed", "true")
    for degrees in (0, 45, 82, 90):
        finger.drag((0.5, 0.25), toward(degrees))
        x, y = toward(degrees)
        x0, y0, x1, y1 = view.region_numbers()[:4]
        assert (x0, y0) == pytest.approx((280, 100), abs=3)
        assert (x1, y1) == pytest.approx((560 * x, 400 * y), abs=3)
        assert scrolled(view.page) == 0
    view.button("Lasso").tap()
    finger.drag((0.6, 0.2), (0.6, 0.8), (0.9, 0.8), (0.9, 0.2))
    assert len(view.region_numbers()) > 8
    expect(view.leader).to_have_text("whale")
    view.button("Lasso").tap()
    expect(view.button("Lasso")).to_have_attribute("aria-pressed", "false")
    finger.drag((0.5, 0.8), (0.5, 0.3))
    assert scrolled(view.page) > 0


def test_a_finger_that_rests_on_a_word_adds_it(view: View) -> None:
    finger = Finger(view)
    view.word("fox").tap()
    expect(view.pinned).to_have_text(["fox"])
    finger.hold_on("whale")
    expect(view.pinned).to_have_text(["fox", "whale"])
    expect(view.root.locator(".gradeclip-column > .gradeclip-hint")).to_contain_text("Clear")
    view.button("Clear").tap()
    expect(view.pinned).to_have_count(0)


def test_fingers_can_hit_everything_and_tools_cover_no_name(view: View) -> None:
    expect(view.root.locator(".gradeclip-column > .gradeclip-hint")).to_contain_text("Tap")
    view.word("fox").tap()
    Finger(view).drag(FOX)
    view.settle()
    assert view.root.evaluate(_SMALL, SIZE) == []
    tools, stage = view.root.locator(".gradeclip-tools").bounding_box(), view.stage.bounding_box()
    assert tools is not None
    assert stage is not None
    assert tools["y"] >= stage["y"] + stage["height"]
