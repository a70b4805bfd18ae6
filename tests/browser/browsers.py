"""Firefox and WebKit, in which a chosen list of tests runs too.

`python -m tests.browser.browsers` starts every browser once.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any, Protocol

from playwright.sync_api import Playwright, sync_playwright

from . import chromium, webkit

NAMES = ("firefox", "webkit")
FIREFOX = shutil.which("firefox-esr")
_SIZE = {"width": 1100, "height": 900}
# Playwright can emulate neither the dark theme nor the mouse in a Firefox that is not its own.
_PREFERENCES: dict[str, str | float | bool] = {
    "layout.css.prefers-color-scheme.content-override": 0,  # dark
    "ui.primaryPointerCapabilities": 6,  # a mouse
    "ui.allPointerCapabilities": 6,
}


class Keyboard(Protocol):
    """Keys, by the names that pages give them."""

    def press(self, key: str, /) -> None: ...
    def down(self, key: str, /) -> None: ...
    def up(self, key: str, /) -> None: ...
    def type(self, text: str, /) -> None: ...


class Mouse(Protocol):
    """The pointer, at pixels of the page's view."""

    def move(self, x: float, y: float, /) -> None: ...
    def down(self) -> None: ...
    def up(self) -> None: ...


class AnyPage(Protocol):
    """What a page of every browser can do: a part of Playwright's `Page`."""

    @property
    def keyboard(self) -> Keyboard: ...
    @property
    def mouse(self) -> Mouse: ...
    def goto(self, url: str, /) -> Any: ...
    def evaluate(self, expression: str, arg: Any = None, /) -> Any: ...
    def wait_for_function(
        self, expression: str, /, *, arg: Any = None, timeout: float = ...
    ) -> Any: ...


@contextlib.contextmanager
def dark_page(playwright: Playwright, name: str) -> Iterator[AnyPage]:
    """Start a browser on a system with a dark theme, and end it after the block.

    Debian's packages are driven where they are installed, else the browsers that Playwright downloads.
    """
    if name == "webkit" and webkit.DRIVER:
        with webkit.dark_page() as page:
            yield page
    elif name == "firefox" and FIREFOX:
        options: dict[str, Any] = {"channel": "moz-firefox", "executable_path": FIREFOX}
        browser = playwright.firefox.launch(firefox_user_prefs=_PREFERENCES, **options)
        with contextlib.closing(browser):
            yield browser.new_page(viewport=_SIZE)
    else:
        with contextlib.closing(getattr(playwright, name).launch()) as browser:
            yield browser.new_page(viewport=_SIZE, color_scheme="dark")


def start_all() -> None:
    """Start every browser once.

    Raises:
        Error: one is missing or does not start.
    """
    with sync_playwright() as playwright:
        chromium.launch(playwright).close()
        for name in NAMES:
            with dark_page(playwright, name) as page:
                page.evaluate("navigator.userAgent")


if __name__ == "__main__":
    start_all()
