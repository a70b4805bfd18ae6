"""Fixtures: a JupyterLab, and the widget in an offline page or a live notebook."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .lab import LabServer, Notebook, lab_server
from .made import LONG_CAPTION, made_explanation
from .stash import BROWSER
from .view import View

FAILURES = Path("build/browser-failures")
OpenPage = Callable[[str | Path], Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, so that `-m "not browser"` deselects them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with lab_server(tmp_path_factory.mktemp("lab")) as server:
        made_explanation().save(server.folder / "made.npz")
        made_explanation(LONG_CAPTION).save(server.folder / "long.npz")
        yield server


@pytest.fixture(scope="session")
def shared_kernel(chromium: Browser, lab: LabServer) -> Iterator[Notebook]:
    lab.write_notebook("shared.ipynb")
    """A notebook open in Chromium, whose kernel has `gw` and `made`."""
    with Notebook.opened(chromium, lab, "shared.ipynb") as notebook:
        notebook.ask("import gradeclip_widget as gw\nmade = gw.Explanation.load('made.npz')")
        notebook.ask("gw.explore().wait()")  # the first call takes longer than the later ones
        yield notebook


@pytest.fixture
def notebook(shared_kernel: Notebook) -> Iterator[Notebook]:
    """That notebook, empty."""
    yield shared_kernel
    shared_kernel.clear()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens files from disk with the network off; fails the test if a page requests anything else."""
    requested: list[str] = []
    context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900})
    with contextlib.closing(context):

        def open_page(path: str | Path) -> Page:
            address = Path(path).resolve().as_uri()
            page = context.new_page()
            page.on("request", lambda request: requested.append(request.url))
            page.goto(address)
            requested.remove(address)
            return page

        yield open_page
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == []


@pytest.fixture(params=["page", "lab"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> View:
    """The explanation of `made_explanation`, in an offline page and in a live notebook."""
    if request.param == "page":
        made_explanation().to_html(tmp_path / "made.html")
        page = request.getfixturevalue("open_page")(tmp_path / "made.html")
        return View(page, page)
    notebook: Notebook = request.getfixturevalue("notebook")
    notebook.run("gw.show(made)")
    return View(notebook.page, notebook.cell())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Save a screenshot of every page that a failed test had open."""
    report = yield
    browser = item.config.stash.get(BROWSER, None)
    if report.when == "call" and report.failed and browser and item.get_closest_marker("browser"):
        FAILURES.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", item.name)
        pages = [page for context in browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=FAILURES / f"{name}-{number}.png")
    return report
