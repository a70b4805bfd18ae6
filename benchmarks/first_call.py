"""The first call in a fresh kernel: ``python -m benchmarks.first_call``.

A kernel is started, without a browser, and runs one cell. Two times are taken from the kernel's messages:
until the widget's view is displayed, and until its first explanation is sent. For comparison,
``import torch, open_clip`` is timed in a fresh process in every round.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

CELL = "import gradeclip_widget as gw; gw.explore()"
VIEW = "application/vnd.jupyter.widget-view+json"
ROUNDS, PATIENCE = 5, 300  # seconds


def first_call(cell: str = CELL) -> tuple[float, float]:
    """Return the seconds from the start of a cell to its view, and to the first explanation."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        start = time.perf_counter()
        client.execute(cell, allow_stdin=True)
        shown = _wait_for(client, lambda data: VIEW in data.get("data", {})) - start
        explained = _wait_for(client, _has_explanation) - start
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return shown, explained


def _has_explanation(content: dict[str, Any]) -> bool:
    """Return whether a message has the payloads of explanations."""
    state = content.get("data", {}).get("state", {})
    return bool(state.get("_payloads"))


def _wait_for(client: BlockingKernelClient, matches: Any) -> float:
    """Return the time of the first message whose content matches.

    Raises:
        RuntimeError: the cell has failed.
    """
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE)
        if message["msg_type"] == "error":
            raise RuntimeError(message["content"]["evalue"])
        if matches(message["content"]):
            return time.perf_counter()


def main() -> None:
    """Print the medians of both times, in seconds and relative to the imports."""
    shown, explained, imports = [], [], []
    for n in range(ROUNDS + 1):  # the first round warms up
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch, open_clip"], check=True)
        imported = time.perf_counter() - start
        view, explanation = first_call()
        if n:
            shown.append(view)
            explained.append(explanation)
            imports.append(imported)
    base = _median(imports)
    print(f"import torch, open_clip   {base:6.2f} s")
    for name, values in (("view displayed", shown), ("first explanation", explained)):
        print(f"{name:24}  {_median(values):6.2f} s   {_median(values) / base:.2f} x")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
