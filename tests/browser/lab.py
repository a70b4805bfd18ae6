"""A real JupyterLab with real kernels, and notebooks in it driven through Chromium.

`pytest-ipywidgets` runs one function as one cell of an open notebook. These tests also run further cells,
read their outputs, reload the page and change the theme, so they have their own few lines.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import nbformat
from playwright.sync_api import Browser, Locator, Page

from .chromium import PAGE_TIMEOUT

PATIENCE = 30  # seconds to wait for a result in the kernel
KERNEL_TIMEOUT = 120_000  # ms: a cold import of torch on a busy machine

# The tests neither read nor change the settings of the person who runs them, and use no network.
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
_DISABLED = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/lsp-extension",
)


@dataclass(frozen=True)
class LabServer:
    """A running server: its address and its root folder."""

    url: str
    folder: Path

    def write_notebook(self, name: str, *cells: str) -> None:
        """Write a notebook of code cells to the folder."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)


@contextlib.contextmanager
def lab_server(home: Path) -> Iterator[LabServer]:
    """Run `jupyter lab` with all its files under `home`."""
    folder = home / "work"
    folder.mkdir()
    for name, values in _SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps({"disabledExtensions": dict.fromkeys(_DISABLED, True)}))
    environment = os.environ | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    port = free_port()
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{k}={v}" for k, v in options.items())]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        _wait_until_serving(process)
        yield LabServer(f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_serving(process: subprocess.Popen[str]) -> None:
    """Read the server's log until it reports that it runs; a thread reads the rest."""
    assert process.stdout is not None
    log = deque[str](maxlen=50)
    for line in process.stdout:
        log.append(line)
        if "is running at" in line:
            threading.Thread(target=log.extend, args=[process.stdout], daemon=True).start()
            return
    raise RuntimeError("JupyterLab did not start:\n" + "".join(log))


class CellError(AssertionError):
    """The code of a cell raised an error."""


class Notebook:
    """A notebook open in JupyterLab, and its kernel."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name

    @classmethod
    @contextlib.contextmanager
    def opened(cls, browser: Browser, server: LabServer, name: str) -> Iterator[Self]:
        """Open a notebook of the server's folder in a new page; its kernel ends with the page."""
        with contextlib.closing(
            browser.new_context(viewport={"width": 1100, "height": 900})
        ) as context:
            context.set_default_timeout(PAGE_TIMEOUT)
            notebook = cls(context.new_page(), name)
            notebook.page.goto(f"{server.url}/doc/tree/{name}")
            notebook.wait_for_kernel()
            yield notebook
            notebook._call("panel.sessionContext.shutdown()")

    def wait_for_kernel(self) -> None:
        """Wait until the notebook is visible and its kernel is idle."""
        self.page.wait_for_function(
            """() => {
              const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
              return context?.isReady && context.session?.kernel?.status === "idle";
            }""",
            timeout=KERNEL_TIMEOUT,
        )

    def run(self, code: str) -> None:
        """Run code in a new last cell, to show its outputs. To read a result, use `ask` or `expect`.

        Raises:
            CellError: the code raised an error; with the traceback.
        """
        outputs = self._call(
            """(async () => {
              const { sharedModel } = panel.content.model;
              const index = sharedModel.cells.length;
              sharedModel.insertCell(index, { cell_type: "code", source: argument });
              panel.content.activeCellIndex = index;
              const cell = panel.content.widgets[index];
              await app.commands.execute("notebook:run-cell");
              return cell.model.outputs.toJSON();
            })()""",
            code,
        )
        _printed(outputs)

    def ask(self, code: str) -> str:
        """Run code in the kernel without a cell; a new cell takes JupyterLab a third of a second.

        Returns:
            The printed text and the text of the result.

        Raises:
            CellError: the code raised an error; with the traceback.
        """
        outputs = self._call(
            """(async () => {
              const outputs = [];
              const { kernel } = panel.sessionContext.session;
              const request = kernel.requestExecute({ code: argument });
              request.onIOPub = ({ header, content }) => {
                outputs.push({ output_type: header.msg_type, ...content });
              };
              await request.done;
              return outputs;
            })()""",
            code,
        )
        return _printed(outputs)

    def expect(self, code: str, result: str) -> None:
        """Run code again and again until it has this result.

        A host may delay the messages of a view while the kernel works.
        """
        deadline = time.monotonic() + PATIENCE
        while (actual := self.ask(code)) != result:
            assert time.monotonic() < deadline, f"{code} is {actual}, not {result}"

    def kernel_id(self) -> str:
        """Return the name that the server gives the kernel."""
        return str(self._call("panel.sessionContext.session.kernel.id"))

    def kill_kernel(self) -> None:
        """Kill the kernel's process, as the system does when memory runs out; the server starts another."""
        process = int(self.ask("import os; os.getpid()"))
        os.kill(process, signal.SIGKILL)

    def cell(self, index: int = -1) -> Locator:
        """A cell with its outputs; by default the last one."""
        return self.page.locator(".jp-CodeCell").nth(index)

    def clear(self) -> None:
        """Close all widgets, delete all cells, and move the pointer away.

        A page that is reloaded requests the state of every widget from the kernel and gives up after some
        seconds, so widgets of earlier tests must be gone.
        """
        self.page.mouse.move(0, 0)
        self.ask("import ipywidgets; ipywidgets.Widget.close_all()")
        self._call(
            "void panel.content.model.sharedModel.deleteCellRange(0, panel.content.widgets.length)"
        )

    def save_and_reload(self) -> None:
        """Save the notebook and reload the page; the kernel keeps running."""
        self.command("docmanager:save")
        self.page.reload()
        self.wait_for_kernel()

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Run one of JupyterLab's commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)",
            [name, arguments or {}],
        )

    def _call(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(
            f"""(argument) => {{
              const app = window.jupyterapp;
              const panel = app.shell.currentWidget;
              return {expression};
            }}""",
            argument,
        )


def _printed(outputs: list[dict[str, Any]]) -> str:
    for output in outputs:
        if output["output_type"] == "error":
            raise CellError("\n".join(output["traceback"]))
    return "".join(_text(output) for output in outputs)


def _text(output: dict[str, Any]) -> str:
    text = output.get("text", output.get("data", {}).get("text/plain", ""))
    return text if isinstance(text, str) else "".join(text)
