"""A real JupyterLab with real kernels, and notebooks in it driven through Chromium.

`pytest-ipywidgets` was looked at first: it runs one function as one cell of an open notebook. These tests run
further cells, read their output, reload the page and change the theme, so they bring their own few lines.
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

PATIENCE = 10  # seconds for what takes a moment
KERNEL_TIMEOUT = 120_000  # ms: a cold import of torch on a busy machine

# Nothing here reads or changes the settings of the person who runs the tests, or asks the network.
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
    """A running server: its address and the folder that it shows."""

    url: str
    folder: Path

    def write_notebook(self, name: str, *cells: str) -> None:
        """Put a notebook of code cells into the folder."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)


@contextlib.contextmanager
def lab_server(home: Path) -> Iterator[LabServer]:
    """Run `jupyter lab` with everything it keeps under `home`."""
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
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_serving(process: subprocess.Popen[str]) -> None:
    """Read the server's log up to the line that says it runs, and go on draining it."""
    assert process.stdout is not None
    log = deque[str](maxlen=50)
    for line in process.stdout:
        log.append(line)
        if "is running at" in line:
            threading.Thread(target=log.extend, args=[process.stdout], daemon=True).start()
            return
    raise RuntimeError("JupyterLab did not start:\n" + "".join(log))


class CellError(AssertionError):
    """A cell raised."""


class Notebook:
    """A notebook open in JupyterLab, and its kernel."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name

    @classmethod
    @contextlib.contextmanager
    def opened(cls, browser: Browser, server: LabServer, name: str) -> Iterator[Self]:
        """Open a notebook of the server's folder in a page of its own; its kernel ends with the page."""
        with contextlib.closing(
            browser.new_context(viewport={"width": 1100, "height": 900})
        ) as context:
            notebook = cls(context.new_page(), name)
            notebook.page.goto(f"{server.url}/doc/tree/{name}")
            notebook.wait_for_kernel()
            yield notebook
            notebook._call("panel.sessionContext.shutdown()")

    def wait_for_kernel(self) -> None:
        """Wait until the notebook is shown and its kernel answers."""
        self.page.wait_for_function(
            """() => {
              const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
              return context?.isReady && context.session?.kernel?.status === "idle";
            }""",
            timeout=KERNEL_TIMEOUT,
        )

    def run(self, code: str) -> str:
        """Run code in a new last cell.

        Returns:
            What it printed and the text of its result.

        Raises:
            CellError: it raised; with the traceback.
        """
        outputs = self._call(
            """(async () => {
              const { sharedModel } = panel.content.model;
              sharedModel.insertCell(sharedModel.cells.length, { cell_type: "code", source: argument });
              panel.content.activeCellIndex = sharedModel.cells.length - 1;
              await app.commands.execute("notebook:run-cell");
              return panel.content.activeCell.outputArea.model.toJSON();
            })()""",
            code,
        )
        return _printed(outputs)

    def ask(self, code: str) -> str:
        """Run code in the kernel without a cell, which takes JupyterLab a third of a second to make.

        Returns, raises: as `run`.
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
        """Wait until code gives a result: a host may hold back what a view sends while the kernel works."""
        deadline = time.monotonic() + PATIENCE
        while (given := self.ask(code)) != result:
            assert time.monotonic() < deadline, f"{code} is {given}, not {result}"

    def kill_kernel(self) -> None:
        """End the kernel's process at once, as running out of memory does; the server starts another."""
        process = int(self.ask("import os; os.getpid()"))
        os.kill(process, signal.SIGKILL)

    def cell(self, index: int = -1) -> Locator:
        """A cell with its outputs; the last one unless told."""
        return self.page.locator(".jp-CodeCell").nth(index)

    def clear(self) -> None:
        """Close all widgets, delete all cells, and put the pointer where it is over nothing.

        A page that is reloaded asks the kernel for the state of every widget, and gives up where that takes
        some seconds: those of earlier tests must not be among them.
        """
        self.page.mouse.move(0, 0)
        self.ask("import ipywidgets; ipywidgets.Widget.close_all()")
        self._call(
            "void panel.content.model.sharedModel.deleteCellRange(0, panel.content.widgets.length)"
        )

    def save_and_reload(self) -> None:
        """Save the notebook and reload the page; the kernel lives on."""
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
