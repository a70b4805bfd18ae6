"""Keeps pages from asking anything of the network.

plotly's figures bring their own script along, but ask for MathJax, which labels without formulas do not need.
Widgets such as sliders have nothing to show without a kernel, and nothing reads the saved state of widgets,
which weighs megabytes. Any other script that an output would fetch is a warning, which fails the build.
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
    """Take the request for MathJax out of a page, and warn of others."""
    context["body"] = MATHJAX.sub("", context.get("body", ""))
    for script in FETCHED.findall(context["body"]):
        LOG.warning("an output would fetch a script: %s", script, location=page)


class KernelWidgets(SphinxTransform):
    """Say of widgets that are no page of their own what they need, where the site would print their state."""

    default_priority = 100

    def apply(self, **_: Any) -> None:
        """Replace the outputs of widgets that carry no page, and leave the widgets' state out."""
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
    """Have Sphinx call this before it writes a page."""
    app.add_transform(KernelWidgets)
    app.connect("html-page-context", keep_offline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
