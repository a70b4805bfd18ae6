"""Typeset formulas as MathML, which browsers draw themselves: no script and no fonts are fetched."""

from __future__ import annotations

from typing import Any, NoReturn

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def draw(translator: Any, node: nodes.Element) -> NoReturn:
    """Write a formula.

    Args:
        translator: writes the page.
        node: contains the formula in LaTeX.

    Raises:
        SkipNode: always, since nothing of the node is left to write.
    """
    block = isinstance(node, nodes.math_block)
    try:
        formula = tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        LOG.warning("formula %r: %s", node.astext(), error, location=node)
        formula = translator.encode(node.astext())
    translator.body.append(f'<div class="formula">{formula}</div>\n' if block else formula)
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer of formulas, which `html_math_renderer` in `conf.py` selects."""
    app.add_html_math_renderer("mathml", (draw, None), (draw, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
