"""The embedded model, a scene with known ground truth, and a browser, created once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Playwright, expect, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene, sample_scene

from .browser.chromium import PAGE_TIMEOUT, launch
from .browser.stash import BROWSER

settings.register_profile("any machine", deadline=None)  # a slow machine is not an error
settings.load_profile("any machine")
expect.set_options(timeout=PAGE_TIMEOUT)


# The files of tests/browser/ whose tests share a JupyterLab and its kernel, and so a process.
SHARE_JUPYTERLAB = {
    f"tests/browser/test_{name}.py"
    for name in "browsers compare gallery instrument interaction lab overview says_no vscode".split()
}


class FileScheduling(LoadFileScheduling):
    """Give each file to one process, and those that share a JupyterLab to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "JupyterLab" if file in SHARE_JUPYTERLAB else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """Return the scheduling of tests for `pytest -n`."""
    return FileScheduling(config, log)


@pytest.fixture(scope="session")
def clip() -> gw.ClipModel:
    """The embedded model."""
    return gw.load("demo", device="cpu")


@pytest.fixture(scope="session")
def explainer(clip: gw.ClipModel) -> gw.Explainer:
    """Grad-ECLIP with the embedded model."""
    return gw.Explainer(clip)


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A picture of a dog and a red circle."""
    return sample_scene(500_007, objects=["dog", "red circle"])


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, which allows only one of itself in a thread."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config, playwright: Playwright) -> Iterator[Browser]:
    """A Chromium."""
    with contextlib.closing(launch(playwright)) as browser:
        pytestconfig.stash[BROWSER] = browser
        yield browser
