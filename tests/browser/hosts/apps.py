"""One widget as users of each host write it: the embedded model on a drawn scene."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

WORD = "bicycle"
CAPTION = "a bicycle, a sun and a tree"
OTHER_CAPTION = "a sun and a tree"
IN_BOTH = "tree"
PLACE = (0.62, 0.85)  # of the bicycle, as fractions of the picture's width and height

CELL = """import gradeclip_widget as gw

scene = gw.demo.scenes()[0]
widget = gw.explore(scene.image, scene.caption)
widget"""

_INDENTED = CELL.replace("\n", "\n    ").replace("\n    \n", "\n\n")
MARIMO = f"""import marimo

app = marimo.App()


@app.cell
def _():
    {_INDENTED}
    return


if __name__ == "__main__":
    app.run()
"""
MARIMO_SETTINGS = """[tool.marimo.display]
theme = "system"
[tool.marimo.runtime]
auto_instantiate = true  # the editor runs all cells when it opens
"""
SOLARA = """import solara

import gradeclip_widget as gw

scene = gw.demo.scenes()[0]


@solara.component
def Page():
    widget = solara.use_memo(lambda: gw.explore(scene.image, scene.caption), [])
    solara.display(widget)
"""
PANEL = """import panel as pn

import gradeclip_widget as gw

pn.extension("ipywidgets")
scene = gw.demo.scenes()[0]
pn.panel(gw.explore(scene.image, scene.caption)).servable()
"""


def executed() -> NotebookNode:
    """Return an executed notebook of one cell, with its widgets' state."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    NotebookClient(notebook, timeout=120, store_widget_state=True).execute()
    return notebook


def without_state(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without its widgets' state, as JupyterLab saves it by default."""
    bare = nbformat.from_dict(notebook)
    bare.metadata = {key: value for key, value in notebook.metadata.items() if key != "widgets"}
    return nbformat.from_dict(bare)


def export_from_marimo(folder: Path) -> Path:
    """Return the page that marimo exports."""
    (folder / "exported.py").write_text(MARIMO)
    command = ["-m", "marimo", "export", "html", "exported.py", "-o", "exported.html"]
    subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
    return folder / "exported.html"


def build_with_myst_nb(notebook: NotebookNode, folder: Path) -> Path:
    """Return the page that MyST-NB makes of an executed notebook."""
    folder.mkdir()
    nbformat.write(notebook, folder / "index.ipynb")
    (folder / "conf.py").write_text('extensions = ["myst_nb"]\nnb_execution_mode = "off"\n')
    command = ["-m", "sphinx", "-q", "-b", "html", ".", "built"]
    subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
    return folder / "built" / "index.html"
