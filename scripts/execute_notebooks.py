"""Execute a notebook of widgets many times, and count the runs that hang.

``python -m scripts.execute_notebooks``. nbclient can lose a cell's output or reply while it reads others, and
then waits forever; the more a display carries, the likelier. Every run is a process of its own,
``nbconvert --execute`` with no time limit for cells, as a reader would call it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

VIEW = "application/vnd.jupyter.widget-view+json"
PREPARE = """
import gradeclip_widget as gw
scenes = gw.demo.scenes()
def picture(n):
    image = scenes[n % len(scenes)].image
    return image.resize(({side}, {side})) if {side} else image
"""
EXPLORE = "gw.explore(picture({n}), scenes[{n} % len(scenes)].caption)"


def main() -> int:
    """Print how many runs hung or failed, and their times; return 1 if any did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cells", type=int, default=12, help="widgets (%(default)s)")
    parser.add_argument(
        "--side", type=int, default=0, help="of the pictures in pixels; 0: as drawn"
    )
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds after which a run hangs (%(default)s)"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_notebook(Path(folder), args.cells, args.side)
        runs = [execute(path, args.cells, args.timeout) for _ in range(args.runs)]
    hung = [outcome for outcome, _ in runs].count("hung")
    good = sorted(seconds for outcome, seconds in runs if outcome == "finished")
    print(
        f"{args.runs} runs of {args.cells} widgets: {hung} hung, {args.runs - hung - len(good)} failed"
    )
    if good:
        print(f"seconds: {good[0]:.1f} to {good[-1]:.1f}, median {good[len(good) // 2]:.1f}")
    return int(len(good) < args.runs)


def write_notebook(folder: Path, cells: int, side: int) -> Path:
    """Write a notebook with a number of widgets, one per cell, and return its path."""
    sources = [PREPARE.format(side=side), *(EXPLORE.format(n=n) for n in range(cells))]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    path = folder / "widgets.ipynb"
    nbformat.write(notebook, path)
    return path


def execute(path: Path, cells: int, timeout: float) -> tuple[str, float]:
    """Execute a notebook, and return the result.

    Args:
        path: the notebook.
        cells: number of widgets that a successful run shows.
        timeout: seconds after which a run counts as hanging.

    Returns:
        "finished", "hung" or "failed", and the seconds that it took.
    """
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook"]
    start = time.perf_counter()
    try:
        run = subprocess.run(
            [*command, "--output", "executed", path.name],
            cwd=path.parent, timeout=timeout, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        outcome, detail = "hung", ""
    else:
        shown = 0 if run.returncode else count_widgets(path.with_name("executed.ipynb"))
        outcome = "finished" if shown == cells else "failed"
        detail = f": {shown} widgets\n{run.stderr}" if outcome == "failed" else ""
    seconds = time.perf_counter() - start
    print(f"{outcome} after {seconds:.1f} s{detail}", flush=True)
    return outcome, seconds


def count_widgets(path: Path) -> int:
    """Return the number of outputs of a notebook that are widgets with saved state."""
    notebook = nbformat.read(path, as_version=4)
    saved = notebook.metadata.get("widgets", {}).get(
        "application/vnd.jupyter.widget-state+json", {}
    )
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    views = [output["data"][VIEW] for output in outputs if VIEW in output.get("data", {})]
    return sum(view["model_id"] in saved.get("state", {}) for view in views)


if __name__ == "__main__":
    sys.exit(main())
