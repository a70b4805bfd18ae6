"""The picture of the gallery: a run over drawn scenes, browsed in JupyterLab."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.lab import Notebook, lab_server

SIZE = ViewportSize(width=1060, height=1000)
BROWSE = """
import gradeclip_widget as gw
scenes = [gw.demo.sample_scene(seed) for seed in range(980_000, 980_400)]
run = gw.explain_dataset([(s.image, s.caption) for s in scenes], "OUT", progress=False)
gw.browse(run, sort="score", descending=True)
"""


def gallery_still(browser: Browser, path: Path) -> None:
    """Take a picture of the gallery, with the best matches first.

    Args:
        browser: opens JupyterLab.
        path: of the WebP.
    """
    with tempfile.TemporaryDirectory() as home, lab_server(Path(home)) as lab:
        lab.write_notebook("gallery.ipynb")
        with Notebook.opened(browser, lab, "gallery.ipynb") as notebook:
            notebook.page.set_viewport_size(SIZE)
            notebook.run(BROWSE)
            root = notebook.cell().locator(".gradeclip-gallery")
            expect(root.locator(".gallery-grid[aria-busy=false]")).to_be_visible()
            skeletons = root.locator(".gallery-line:not([hidden]) .is-skeleton:not([hidden])")
            expect(skeletons).to_have_count(0)
            Image.open(io.BytesIO(root.screenshot())).save(path, quality=90, method=6)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
