"""Which features of a widget work in a page, tried one by one."""

from __future__ import annotations

import contextlib
import re

from playwright.sync_api import Error, FrameLocator, Locator, Page, expect

from ..view import View
from .apps import CAPTION, IN_BOTH, OTHER_CAPTION, PLACE, WORD

START = 300_000  # ms for a page whose kernel imports torch on a busy machine
Scope = Page | FrameLocator | Locator

FEATURES = ("shows", "hover", "click", "edit", "reload", "no kernel", "no network", "dark")
YES, NO, PICTURE, NOTHING = "yes", "no", "a picture", "nothing"


def open_view(page: Page, scope: Scope | None = None) -> View:
    """Return the view when it is visible."""
    scope = scope or page
    scope.locator(".gradeclip-stage:visible").first.wait_for(timeout=START)
    return View(page, scope)


def hover(view: View) -> str:
    """Point at a word, whose map is painted. A host may move the view for a message; then point again."""
    for _ in range(2):
        view.look_away()
        together = view.heat()
        view.point_at_word(IN_BOTH)
        with contextlib.suppress(Error):
            view.heat_other_than(together)
            view.look_away()
            view.wait_for_heat(together)
            return YES
    return NO


def click(view: View) -> str:
    """Click on the bicycle: a patch is selected, and its word has the first bar."""
    view.click_at(PLACE)
    expect(view.region).to_have_attribute("d", re.compile("M"))
    expect(view.leader).to_have_text(WORD)
    return YES


def edit(view: View) -> str:
    """Write another caption, if the page has the button: it is explained."""
    if not view.button("Edit the prompt").is_visible():
        return NO
    score = view.score.inner_text()
    view.edit(OTHER_CAPTION)
    expect(view.caption).to_have_text(OTHER_CAPTION, timeout=START)
    expect(view.score).not_to_have_text(score, timeout=START)
    return YES


def kept(view: View) -> str:
    """Return whether the page has the edited caption after it was loaded again."""
    expect(view.caption).to_have_text(re.compile(f"{CAPTION}|{OTHER_CAPTION}"))
    return YES if view.caption.inner_text().strip() == OTHER_CAPTION else "starts over"


def dark(view: View) -> str:
    """Check a page in the host's dark theme: the background is dark, and texts have enough contrast."""
    expect(view.root).to_have_attribute("data-theme", "dark")
    assert view.faint_texts() == []
    return YES


def remains(page: Page, patience: float = 15_000, expected: str | None = None) -> str:
    """Return what a page shows that may lack the live view: the view, its still picture, or nothing.

    Args:
        page: the page.
        patience: milliseconds to wait for one of them.
        expected: the expected answer. A live view, which may come long after the picture, is awaited.
    """
    live, picture = page.locator(".gradeclip-stage"), page.locator(".gradeclip-fallback img")
    page.wait_for_function("document.readyState === 'complete'")
    try:
        expect(live.or_(picture).and_(page.locator(":visible")).first).to_be_visible(
            timeout=patience
        )
    except AssertionError:
        return NOTHING
    page.wait_for_load_state("networkidle")
    if expected == YES:
        live.first.wait_for(timeout=START)
    # Never both. For a moment there is neither, when the view has hidden the picture and is not yet drawn.
    expect(live.or_(picture).and_(page.locator(":visible"))).to_have_count(1)
    if live.first.is_visible():
        return YES
    assert page.get_by_text("run the cell to explore it").is_visible()
    assert WORD in (picture.first.get_attribute("alt") or "")
    return PICTURE
