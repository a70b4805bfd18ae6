"""WebKitGTK, driven by Selenium with those of Playwright's methods that `test_browsers.py` uses.

Playwright drives only a WebKit that it has downloaded itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from selenium.webdriver.webkitgtk.webdriver import WebDriver

DRIVER = shutil.which("WebKitWebDriver")
SIZE = (1100, 900)  # pixels of the window


class Keyboard:
    """Keys, by the names that pages give them: "a", "Enter", "Shift+ArrowDown"."""

    def __init__(self, driver: WebDriver) -> None:
        self._driver = driver

    def press(self, keys: str) -> None:
        *held, last = (_key(name) for name in keys.split("+"))
        chain = ActionChains(self._driver, duration=0)
        for key in held:
            chain.key_down(key)
        chain.send_keys(last)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def type(self, text: str) -> None:
        ActionChains(self._driver, duration=0).send_keys(text).perform()

    def down(self, key: str) -> None:
        ActionChains(self._driver, duration=0).key_down(_key(key)).perform()

    def up(self, key: str) -> None:
        ActionChains(self._driver, duration=0).key_up(_key(key)).perform()


def _key(name: str) -> str:
    return name if len(name) == 1 else str(getattr(Keys, name.replace("Arrow", "ARROW_").upper()))


class Mouse:
    """The pointer, at pixels of the page's view."""

    def __init__(self, driver: WebDriver) -> None:
        self._driver = driver

    def _act(self, act: str, *place: int) -> None:
        builder = ActionBuilder(self._driver, duration=0)
        getattr(builder.pointer_action, act)(*place)
        builder.perform()

    def move(self, x: float, y: float) -> None:
        self._act("move_to_location", round(x), round(y))

    def down(self) -> None:
        self._act("pointer_down")

    def up(self) -> None:
        self._act("pointer_up")


class WebKitPage:
    """A page of WebKitGTK."""

    def __init__(self, driver: WebDriver) -> None:
        self._driver = driver
        self.keyboard, self.mouse = Keyboard(driver), Mouse(driver)

    def goto(self, url: str) -> None:
        """Load an address."""
        self._driver.get(url)

    def evaluate(self, expression: str, arg: Any = None, /) -> Any:
        """Return the value of an expression, or of a function called with `arg`, in the page.

        Raises:
            RuntimeError: the page raised an error.
        """
        script = f"""const [arg, done] = arguments;
            const run = async () => {{
              const value = await ({expression});
              return typeof value === "function" ? await value(arg) : value;
            }};
            run().then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"""
        outcome = self._driver.execute_async_script(script, arg)
        if "error" in outcome:
            raise RuntimeError(f"{outcome['error']}, from {expression}")
        return outcome.get("value")

    def wait_for_function(
        self, expression: str, /, *, arg: Any = None, timeout: float = 30_000
    ) -> None:
        """Wait until a function is true in the page; `timeout` in milliseconds.

        Raises:
            TimeoutError: it did not become true.
        """
        deadline = time.monotonic() + timeout / 1000
        while not self.evaluate(expression, arg):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true after {timeout} ms: {expression}")
            time.sleep(0.05)


@contextlib.contextmanager
def dark_page() -> Iterator[WebKitPage]:
    """Start WebKitGTK on a dark desktop that nobody sees, and end it after the block."""
    options = Options()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")))
    options.add_argument("--automation")
    with _display() as display:
        variables = {
            "DISPLAY": display,
            "GTK_THEME": "Adwaita:dark",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # for root, in containers
        }
        driver = WebDriver(options, Service(DRIVER, env=os.environ | variables))
        try:
            driver.set_window_size(*SIZE)
            driver.set_script_timeout(120)  # seconds
            yield WebKitPage(driver)
        finally:
            driver.quit()


@contextlib.contextmanager
def _display() -> Iterator[str]:
    """Start an X server without a screen; the server chooses its own number."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1100x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        process.terminate()
        process.wait(30)
