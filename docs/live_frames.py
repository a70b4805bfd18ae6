"""Live explanations in the site's pages.

A comment in a page's Markdown, followed by a picture, describes what the site shows instead of the picture::

    <!-- live {"scene": 0, "selected_words": [1]} -->
    ![The words of a caption on a picture](images/widget-light.png)

Its entries are the number of a drawn scene, the frame's title if the picture's description does not fit,
and keywords of `gradeclip_widget.explore`. The embedded model computes the explanation while the site is
built.

The frames in outputs of notebooks become files too. All frames of the site share one script and one style.
They make no network request.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

import gradeclip_widget as gw
from gradeclip_widget.export.html import STATIC

MARKER = re.compile(r"<!--\s*live\s+(\{.*\})\s*-->", re.DOTALL)
# A frame in a notebook's output, and in it the compressed page: see `gradeclip_widget.export.html.frame`.
FRAME = re.compile(r'<iframe srcdoc="([^"]*)"[^>]*\btitle="([^"]*)"[^>]*></iframe>')
PACKED = re.compile(r'<script type="text/plain" id="packed">([^<]*)</script>')
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')

FOLDER = "live"  # of the frames, beside `_static` in the site
SCRIPT, STYLE = "page.js", "widget.css"  # in the package and in `_static` alike
SCRIPT_TAG = f'<script src="../_static/{SCRIPT}"></script>'
LINK = f'<link rel="stylesheet" href="../_static/{STYLE}">'


@cache
def embedded_model() -> gw.ClipModel:
    """Return the embedded model, loaded once."""
    return gw.load("demo")


@cache
def packaged(name: str) -> str:
    """Return one of the package's static files."""
    return (STATIC / name).read_text(encoding="utf-8")


def explored(options: dict[str, Any]) -> str:
    """Return the page of an explanation, as `explore` with these options shows it."""
    scene = gw.demo.scenes()[options.pop("scene")]
    captions = options.pop("captions", scene.caption)
    widget = gw.explore(scene.image, captions, embedded_model(), **options)
    widget.wait(300)
    with tempfile.TemporaryDirectory() as folder:
        page = widget.save_html(Path(folder, "page.html")).read_text(encoding="utf-8")
    widget.close()
    return page


def unpacked(source: str) -> str:
    """Return the page in a notebook's frame.

    Args:
        source: the value of the frame's attribute ``srcdoc``.

    Raises:
        ValueError: there is no page in it.
    """
    packed = PACKED.search(html.unescape(source))
    if packed is None:
        raise ValueError(f"no page in the frame {source[:80]!r}")
    return gzip.decompress(base64.b64decode(packed[1])).decode("utf-8")


def sharing(page: str) -> str:
    """Return a self-contained page with links to the site's script and style in place of its copies.

    Raises:
        ValueError: the page does not contain them as the package has them.
    """
    inlined = {
        f"<style>\n{packaged(STYLE)}": f"{LINK}\n<style>",
        f"<script>{packaged(SCRIPT)}</script>": SCRIPT_TAG,
    }
    for copy, link in inlined.items():
        if copy not in page:
            raise ValueError(
                f"a page without {copy[:20]!r}: has gradeclip_widget.export.html changed?"
            )
        page = page.replace(copy, link)
    return POLICY.sub("", page)  # it forbids the files that are shared


class LiveFrames(SphinxTransform):
    """Replace marked pictures and the frames of notebooks by frames of files that share their script."""

    default_priority = 100  # before the pictures that they replace are collected

    def apply(self, **_: Any) -> None:
        """Replace the picture after each mark, and the frames in outputs of notebooks."""
        for raw in list(self.document.findall(nodes.raw)):
            text = raw.astext()
            if match := MARKER.match(text.strip()):
                self._replace(raw, json.loads(match[1]))
            elif FRAME.search(text):
                raw.children = [nodes.Text(FRAME.sub(self._of_notebook, text))]

    def _replace(self, mark: nodes.raw, options: dict[str, Any]) -> None:
        paragraph = mark.next_node(descend=False, siblings=True)
        picture = next(iter(paragraph.findall(nodes.image)), None) if paragraph else None
        if picture is None:
            raise ValueError(f"{self.env.docname}: no picture follows {mark.astext()}")
        title = html.escape(options.pop("title", picture["alt"]))
        frame = self._frame(explored(options), title)
        paragraph.replace_self(nodes.raw("", frame, format="html"))
        mark.parent.remove(mark)

    def _of_notebook(self, frame: re.Match[str]) -> str:
        return self._frame(unpacked(frame[1]), frame[2])

    def _frame(self, page: str, title: str) -> str:
        """Write a page as a file of the site, and return a frame of it."""
        page = sharing(page)
        name = hashlib.sha256(page.encode()).hexdigest()[:12] + ".html"
        folder = Path(self.app.outdir, FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, encoding="utf-8")
        source = "../" * self.env.docname.count("/") + f"{FOLDER}/{name}"
        return f'<iframe class="live-frame" src="{source}" loading="lazy" title="{title}"></iframe>'


def setup(app: Any) -> dict[str, Any]:
    """Register the transform, and make the widgets in executed notebooks store their pages."""
    os.environ["GRADECLIP_FALLBACK"] = "page"
    app.add_transform(LiveFrames)
    app.config.html_static_path += [str(STATIC / name) for name in (SCRIPT, STYLE)]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
