"""The widget in real pages of every host; the table in ``docs/hosts.md`` lists the results.

``GRADECLIP_WRITE_HOSTS=1 pytest tests/browser/test_hosts.py`` writes that table again.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from ipykernel.zmqshell import ZMQInteractiveShell
from ipywidgets.embed import embed_minimal_html
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from playwright.sync_api import Browser, Page, expect

import gradeclip_widget as gw
from gradeclip_widget.export.html import STATIC

from .chromium import PAGE_TIMEOUT
from .hosts import apps, scripts, table
from .hosts.features import (
    NO,
    PICTURE,
    START,
    YES,
    click,
    dark,
    edit,
    hover,
    kept,
    open_view,
    remains,
)
from .hosts.servers import Server, serving
from .lab import KERNEL_TIMEOUT, LabServer, Notebook
from .made import made_explanation
from .view import View

Opened = Callable[..., tuple[Page, list[str]]]


@pytest.fixture(scope="module", autouse=True)
def host_scripts() -> None:
    """Downloads the hosts' scripts before a page requests one."""
    for name in scripts.VERSIONS:
        scripts.package(name)


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Opened]:
    """Opens an address in a page that can reach only this machine, with or without a host's scripts.

    It returns the page, and the addresses of the remote scripts that the page received.
    """
    with contextlib.ExitStack() as contexts:

        def opened(url: str, *, network: bool = True) -> tuple[Page, list[str]]:
            context = chromium.new_context(viewport={"width": 1100, "height": 900})
            contexts.enter_context(contextlib.closing(context))
            served = scripts.local_only(context, scripts=network)
            context.set_default_timeout(PAGE_TIMEOUT)
            page = context.new_page()
            page.goto(url)
            return page, served

        yield opened


@pytest.fixture(scope="module")
def executed() -> NotebookNode:
    """An executed notebook with the widget's state."""
    return apps.executed()


# Apps: the kernel of a page ends with its server


def drive_app(server: Server, page: Page, load_dark: Callable[[], object]) -> table.Row:
    """Return the row of a host whose server makes the page, without the column "no network".

    Args:
        server: the host's; the function ends it.
        page: the host's page, newly opened.
        load_dark: loads the page again in the host's dark theme.
    """
    view = open_view(page)
    seen = {"shows": YES, "hover": hover(view), "click": click(view), "edit": edit(view)}
    load_dark()
    view = open_view(page)
    seen |= {"reload": kept(view), "dark": dark(view)}
    server.end()
    return seen | {"no kernel": "stays open" if hover(view) == YES else NO}


@pytest.mark.parametrize("mode", ["run", "edit"])
def test_marimo(mode: str, tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "app.py").write_text(apps.MARIMO)
    (tmp_path / "pyproject.toml").write_text(apps.MARIMO_SETTINGS)

    def load_dark() -> None:
        page.emulate_media(color_scheme="dark")
        page.reload()

    options = (mode, "app.py", "--headless", "--no-token", "--port", "{port}")
    with serving("marimo", *options, folder=tmp_path) as server:
        page, served = opened(server.url)
        seen = drive_app(server, page, load_dark)
    assert served == []
    table.check(f"marimo {mode}", seen | {"no network": YES})


def test_voila(executed: NotebookNode, tmp_path: Path, opened: Opened) -> None:
    nbformat.write(executed, tmp_path / "app.ipynb")
    options = ("app.ipynb", "--no-browser", "--port={port}")
    with serving("voila", *options, folder=tmp_path) as server:
        page, served = opened(server.url)
        seen = drive_app(server, page, lambda: page.goto(f"{server.url}/?theme=dark"))
    assert served == []
    table.check("Voila", seen | {"no network": YES})


def test_panel(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "app.py").write_text(apps.PANEL)
    options = ("serve", "app.py", "--port", "{port}", "--index", "app")
    with serving("panel", *options, folder=tmp_path) as server:
        alone, _ = opened(server.url, network=False)
        without = remains(alone)
        page, served = opened(server.url)
        seen = drive_app(server, page, lambda: page.goto(f"{server.url}/app?theme=dark"))
    assert [name for name in served if "anywidget" not in name] == []
    table.check("Panel", seen | {"no network": without})


def test_solara(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "app.py").write_text(apps.SOLARA)
    variables = {
        "SOLARA_ASSETS_PROXY_CACHE_DIR": str(scripts.solara_assets(tmp_path)),
        "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",  # not downloaded before the page is sent
        "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    }
    options = ("run", "app.py", "--no-open", "--port", "{port}")

    def load_dark() -> None:
        page.evaluate("localStorage.setItem(':solara:theme.variant', '\"dark\"')")
        page.reload()

    with serving("solara", *options, folder=tmp_path, **variables) as server:
        page, served = opened(server.url)
        seen = drive_app(server, page, load_dark)
    assert served == []
    table.check(
        "Solara", seen | {"no network": "once fetched"}
    )  # by the server, which stores the scripts


# Notebooks: pages that stay when their kernel ends


@pytest.mark.parametrize(
    ("host", "path"), [("JupyterLab 4", "doc/tree"), ("Notebook 7", "notebooks")]
)
def test_jupyter(
    host: str, path: str, executed: NotebookNode, lab: LabServer, opened: Opened
) -> None:
    name = "hosts.ipynb"
    nbformat.write(apps.without_state(executed), lab.folder / name)
    page, served = opened(f"{lab.url}/{path}/{name}")
    assert remains(page, START) == PICTURE, "the notebook was run elsewhere and is not trusted"
    notebook = Notebook(page, name)
    notebook.wait_for_kernel()
    run_all(notebook)
    view = open_view(page)
    seen = {"shows": YES, "hover": hover(view), "click": click(view), "edit": edit(view)}
    expect(page.locator(".gradeclip-fallback:visible")).to_have_count(0)
    check_scrolling(page, view)
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    seen["dark"] = dark(view)
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})
    notebook.save_and_reload()
    seen["reload"] = kept(open_view(page))
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => 0)")
    page.reload()
    seen["no kernel"] = remains(page, START)
    assert served == []
    table.check(host, seen | {"no network": YES})


def run_all(notebook: Notebook) -> None:
    """Run all cells."""
    notebook.command("notebook:run-all-cells")
    expect(notebook.page.locator(".gradeclip-stage")).to_be_visible(timeout=KERNEL_TIMEOUT)


def check_scrolling(page: Page, view: View) -> None:
    """The wheel over the picture scrolls the notebook, and arrow keys on it do not."""
    top = "element => element.getBoundingClientRect().top"
    page.set_viewport_size({"width": 1100, "height": 500})
    view.settle()
    view.point_at((0.5, 0.5))
    before = view.stage.evaluate(top)
    page.mouse.wheel(0, 60)
    page.wait_for_function(
        f"([stage, end]) => Math.abs(({top})(stage) - end) <= 2",
        arg=[view.stage.element_handle(), before - 60],
    )
    view.stage.focus()
    view.settle()
    before = view.stage.evaluate(top)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "Space"):
        page.keyboard.press(key)
    view.settle()
    assert view.stage.evaluate(top) == pytest.approx(before, abs=1)
    expect(view.stage).to_be_focused()
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1100, "height": 900})


# Pages without a kernel


def drive_page(host: str, file: Path, opened: Opened) -> None:
    """Check the row of a page on disk.

    Args:
        host: the program that made the page.
        file: the page.
        opened: opens it.
    """
    page, served = opened(file.as_uri())
    shown = remains(page, expected=table.expected(host, "shows"))
    seen = dict.fromkeys(("hover", "click", "edit", "dark"), NO) | {"shows": shown, "reload": "–"}
    if shown == YES:
        view = open_view(page)
        seen |= {"hover": hover(view), "click": click(view), "edit": edit(view)}
        page.emulate_media(color_scheme="dark")
        page.reload()
        view = open_view(page)
        seen |= {"reload": "starts over", "dark": NO}
        if view.root.get_attribute("data-theme") == "dark":
            seen["dark"] = dark(view)
        expect(view.region).to_have_attribute("d", "")
    seen |= {"no kernel": shown, "no network": shown}
    if served:
        alone, _ = opened(file.as_uri(), network=False)
        seen["no network"] = remains(alone, expected=table.expected(host, "no network"))
    table.check(host, seen)


def test_exported_marimo_page(tmp_path: Path, opened: Opened) -> None:
    drive_page("marimo, exported page", apps.export_from_marimo(tmp_path), opened)


@pytest.mark.parametrize("state", [False, True], ids=["without-state", "with-state"])
@pytest.mark.parametrize("host", ["nbconvert", "MyST-NB"])
def test_page_of_a_notebook(
    host: str, state: bool, executed: NotebookNode, tmp_path: Path, opened: Opened
) -> None:
    notebook = executed if state else apps.without_state(executed)
    if host == "nbconvert":
        file = tmp_path / "page.html"
        file.write_text(HTMLExporter().from_notebook_node(notebook)[0], "utf-8")
    else:
        file = apps.build_with_myst_nb(notebook, tmp_path / "site")
    drive_page(f"{host}, {'with' if state else 'no'} widget state", file, opened)


def test_two_widgets_of_a_saved_state(tmp_path: Path, opened: Opened) -> None:
    """The state has their code once, and the widget manager of converted notebooks shows both."""
    ZMQInteractiveShell.instance()
    widgets = [gw.show(made_explanation(caption)) for caption in ("a red fox", "the blue whale")]
    ZMQInteractiveShell.clear_instance()
    file = tmp_path / "page.html"
    embed_minimal_html(file, widgets, drop_defaults=False)
    for widget in widgets:
        widget.close()
    text = file.read_text("utf-8")
    assert text.count(json.dumps((STATIC / "widget.js").read_text("utf-8"))[1:-1]) == 1
    # The tests serve another version of require.js than the page names.
    file.write_text(re.sub(r'integrity="\S*"', "", text), "utf-8")
    page, _ = opened(file.as_uri())
    expect(page.locator(".gradeclip-caption")).to_have_text(["a red fox", "the blue whale"])


def test_saved_page(tmp_path: Path, opened: Opened) -> None:
    scene = gw.demo.scenes()[0]
    with contextlib.closing(gw.explore(scene.image, scene.caption)) as widget:
        file = widget.save_html(tmp_path / "page.html")
    drive_page("`save_html`, `to_html`", file, opened)
