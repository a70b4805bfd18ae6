"""Prevent pages from fetching anything from the network.

plotly's figures request its script and MathJax. The site has one copy of plotly's script, which
``_static/figures.js`` loads when a figure comes into view; labels without formulas do not need MathJax.
Progress bars are left out, other widgets such as sliders show nothing without a kernel, and the saved state
of widgets, which takes megabytes, is never read. Any other script that an output would fetch is a warning,
which fails the build.
"""

from __future__ import annotations

import os
import re
from importlib.resources import files
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

WIDGET = "application/vnd.jupyter.widget-view+json"
LOG = logging.getLogger(__name__)
FETCHED = re.compile(
    r"""<script\b[^>]*\bsrc=["'](?:https?:)?//[^>]*>\s*</script>"""
    r"""|<script\b[^>]*>\s*import\s*["'](?:https?:)?//[^<]*</script>"""
)
OF_PLOTLY = re.compile(r"//cdn\.plot\.ly/|/mathjax/")
# The script that draws a figure, after the figure's element.
DRAWS = re.compile(
    r"""(<div\b[^>]*\bclass="plotly-graph-div"[^>]*>\s*</div>\s*)<script(?: type="text/javascript")?>"""
)
BAR = re.compile(r"\d+%\|.*\|")  # a progress bar of tqdm, as text


def keep_offline(_app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Let figures wait for the site's copy of plotly, and warn about scripts that outputs would fetch."""

    def without(match: re.Match[str]) -> str:
        if not OF_PLOTLY.search(match[0]):
            LOG.warning("an output would fetch a script: %s", match[0], location=page)
        return ""

    body = FETCHED.sub(without, context.get("body", ""))
    context["body"] = DRAWS.sub(r'\1<script type="text/plain" class="plotly-figure">', body)


class KernelWidgets(SphinxTransform):
    """Leave out progress bars, show a line instead of other widgets, and drop the saved state of widgets."""

    default_priority = 100

    def apply(self, **_: Any) -> None:
        """Replace the outputs of widgets without an HTML page, and remove the widgets' state."""
        notebook = getattr(self.env, "nb_metadata", {}).get(self.env.docname, {})
        notebook.get("js_files", {}).pop("ipywidgets_state", None)
        for bundle in list(self.document.findall(nodes.container)):
            forms = {
                child.get("mime_type") for child in bundle.children if bundle.get("nb_element")
            }
            if WIDGET not in forms or "text/html" in forms:
                continue
            if BAR.search(bundle.astext()):
                bundle.parent.remove(bundle)
                continue
            note = nodes.emphasis("", "A widget that needs the running notebook.")
            form = nodes.container("", nodes.paragraph("", "", note), mime_type="text/html")
            bundle.replace_self(nodes.container("", form, nb_element="mime_bundle"))


def setup(app: Any) -> dict[str, Any]:
    """Register the transform and the hook with Sphinx, and add plotly's script to the site."""
    os.environ["PLOTLY_RENDERER"] = "notebook_connected"  # figures without the script
    app.add_transform(KernelWidgets)
    app.connect("html-page-context", keep_offline)
    app.config.html_static_path.append(str(files("plotly") / "package_data" / "plotly.min.js"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
