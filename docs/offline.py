"""Prevent pages from fetching anything from the network.

plotly's figures contain their own script, but request MathJax, which labels without formulas do not need.
Widgets such as sliders show nothing without a kernel, and the saved state of widgets, which takes
megabytes, is never read. Any other script that an output would fetch is a warning, which fails the build.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

WIDGET = "application/vnd.jupyter.widget-view+json"
LOG = logging.getLogger(__name__)
SCRIPT = r'<script\b[^>]*\bsrc="(?:https?:)?//[^"]*{}[^"]*"[^>]*>\s*</script>'
MATHJAX = re.compile(SCRIPT.format("/mathjax/"))
FETCHED = re.compile(SCRIPT.format(""))


def keep_offline(_app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Remove the request for MathJax from a page, and warn about other requests."""
    context["body"] = MATHJAX.sub("", context.get("body", ""))
    for script in FETCHED.findall(context["body"]):
        LOG.warning("an output would fetch a script: %s", script, location=page)


class KernelWidgets(SphinxTransform):
    """Show a line instead of a widget that needs a kernel, and drop the saved state of widgets."""

    default_priority = 100

    def apply(self, **_: Any) -> None:
        """Replace the outputs of widgets without an HTML page, and remove the widgets' state."""
        notebook = getattr(self.env, "nb_metadata", {}).get(self.env.docname, {})
        notebook.get("js_files", {}).pop("ipywidgets_state", None)
        for bundle in list(self.document.findall(nodes.container)):
            forms = {
                child.get("mime_type") for child in bundle.children if bundle.get("nb_element")
            }
            if WIDGET in forms and "text/html" not in forms:
                note = nodes.emphasis("", "A widget that needs the running notebook.")
                form = nodes.container("", nodes.paragraph("", "", note), mime_type="text/html")
                bundle.replace_self(nodes.container("", form, nb_element="mime_bundle"))


def setup(app: Any) -> dict[str, Any]:
    """Register the transform and the hook with Sphinx."""
    app.add_transform(KernelWidgets)
    app.connect("html-page-context", keep_offline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
