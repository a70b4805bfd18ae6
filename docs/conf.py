"""Sphinx's configuration: ``make docs``.

The source folder is the root of the repository, so that pages link to each other, to the notebooks and to the
sources as they do on GitHub. Nothing is fetched while building or reading: no fonts, no scripts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

project = "gradeclip-widget"
author = "gradeclip-widget developers"
copyright = f"2026, {author}"  # noqa: A001 # Sphinx's own name
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "navigation",
    "formulas",
    "live_frames",
    "offline",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "notebooks/*.ipynb",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "gradeclip_widget/clip/README.md",
    "gradeclip_widget/demo/MODEL_CARD.md",
]
exclude_patterns = [".*", "build", "node_modules", "**/.ipynb_checkpoints"]

# Markdown as on GitHub, headings as its anchors included.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
myst_fence_as_directive = ["math"]  # ```math
html_math_renderer = "mathml"

highlight_language = "none"  # for blocks without a language

# Notebooks are run, and a failing cell stops the build. A widget is shown as the page that it stores, which
# needs no kernel and no network.
nb_execution_mode = "force"
nb_execution_timeout = 300  # seconds a cell
nb_execution_raise_on_error = True
nb_merge_streams = True  # what a cell prints is one block
nb_ipywidgets_js: dict[str, Any] = {}
nb_mime_priority_overrides = [
    ("html", "text/html", 0),
    ("html", "application/vnd.jupyter.widget-view+json", None),
]

# Docstrings are in Google's style; a name in single backticks is a link if it is one of the package.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Reference"]

html_theme = "furo"
html_title = "gradeclip-widget"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["live-frames.js", "figures.js"]
templates_path = ["_templates"]
html_additional_pages = {"index": "index.html"}  # the first page is docs/index.html
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#3a5bd9",
        "color-brand-content": "#3a5bd9",
        "color-brand-visited": "#3a5bd9",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8aa4ff",
        "color-brand-content": "#8aa4ff",
        "color-brand-visited": "#8aa4ff",
        "color-background-primary": "#121212",  # as frames have it
    },
}


def announce(app: Any, page: str, _source: list[str]) -> None:
    """Print the name of a notebook that is about to run, since notebooks take most of the time."""
    if page.startswith("notebooks/") and app.config.nb_execution_mode != "off":
        print(f"running {page}.ipynb", flush=True)


def setup(app: Any) -> None:
    """Connect `announce` to the reading of pages."""
    app.connect("source-read", announce)
