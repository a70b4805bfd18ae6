"""Live explanations in the site's pages.

A comment in a page's Markdown, followed by a picture, describes what the site shows instead of the picture::

    <!-- live {"scene": 0, "selected_words": [1]} -->
    ![The words of a caption on a picture](images/widget-light.png)

Its entries are the number of a drawn scene, the frame's title if the picture's description does not fit,
and keywords of `gradeclip_widget.explore`. The embedded model computes the explanation while the site is
built. It is a separate page and makes no network request.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

import gradeclip_widget as gw

MARKER = re.compile(r"<!--\s*live\s+(\{.*\})\s*-->", re.DOTALL)
STATE = re.compile(
    r'(<script type="application/json" id="gradeclip-state">)(.*?)(</script>)', re.DOTALL
)
FOLDER = "live"

NOTEBOOK_FRAME = re.compile(r'<iframe srcdoc="([^"]*)"(?=[^>]*sandbox="allow-scripts")')
STATIC = Path(__file__).parent / "_static"
# The frame's part of `_static/live-frames.js`: a frame and the page that it is in cannot see each other.
IN_FRAME = f"<script>{(STATIC / 'in-frame.js').read_text(encoding='utf-8')}</script>"


@cache
def embedded_model() -> gw.ClipModel:
    """Return the embedded model, loaded once."""
    return gw.load("demo")


def write_page(options: dict[str, Any], path: Path) -> None:
    """Write the page of an explanation, as `explore` with these options shows it."""
    scene = gw.demo.scenes()[options.pop("scene")]
    captions = options.pop("captions", scene.caption)
    widget = gw.explore(scene.image, captions, embedded_model(), **options)
    widget.wait(300)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = widget.save_html(path).read_text(encoding="utf-8")
    page = STATE.sub(lambda match: match[1] + merged(match[2], options) + match[3], page)
    path.write_text(page.replace("</body>", IN_FRAME + "</body>"), encoding="utf-8")
    widget.close()


def merged(state: str, options: dict[str, Any]) -> str:
    """Return a page's state as JSON, with options that a saved page does not contain, such as a region."""
    return json.dumps({**json.loads(state), **options}).replace("<", "\\u003c")


def connected(frame: re.Match[str]) -> str:
    """Return the beginning of a notebook's frame, with the script that connects it to the page around."""
    return f'<iframe class="live-frame" srcdoc="{frame[1]}{html.escape(IN_FRAME)}"'


class LiveFrames(SphinxTransform):
    """Replace marked pictures by live frames, and connect all frames to the page."""

    default_priority = 100  # before the pictures that they replace are collected

    def apply(self, **_: Any) -> None:
        """Replace the picture after each mark, and connect the frames in outputs of notebooks to the page."""
        for raw in list(self.document.findall(nodes.raw)):
            text = raw.astext()
            if match := MARKER.match(text.strip()):
                self._replace(raw, json.loads(match[1]))
            elif NOTEBOOK_FRAME.search(text):
                raw.children = [nodes.Text(NOTEBOOK_FRAME.sub(connected, text))]

    def _replace(self, mark: nodes.raw, options: dict[str, Any]) -> None:
        paragraph = mark.next_node(descend=False, siblings=True)
        picture = next(iter(paragraph.findall(nodes.image)), None) if paragraph else None
        if picture is None:
            raise ValueError(f"{self.env.docname}: no picture follows {mark.astext()}")
        name = hashlib.sha256(mark.astext().encode()).hexdigest()[:12] + ".html"
        title = options.pop("title", picture["alt"])
        write_page(options, Path(self.app.outdir, FOLDER, name))
        source = "../" * self.env.docname.count("/") + f"{FOLDER}/{name}"
        frame = (
            f'<iframe class="live-frame" src="{source}" loading="lazy" sandbox="allow-scripts" '
            f'title="{html.escape(title)}"></iframe>'
        )
        paragraph.replace_self(nodes.raw("", frame, format="html"))
        mark.parent.remove(mark)


def setup(app: Any) -> dict[str, Any]:
    """Register the transform, and make the widgets in executed notebooks store their pages."""
    os.environ["GRADECLIP_FALLBACK"] = "page"
    app.add_transform(LiveFrames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
