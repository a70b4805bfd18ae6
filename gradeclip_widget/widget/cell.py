"""The static image of a live widget: part of its output, or an output before it."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from ..export.cell_output import live_class
from .front_end import in_notebook

# For hosts that prefer HTML to the live view: the static image is the output before it.
_EMPTY_HTML = "<!-- The live view. The output before it is shown in its place. -->"


def beside_live(
    widget: Any, static: dict[str, str], display_id: str | None = None
) -> dict[str, str]:
    """Return a static image and text to add to a live view; in a notebook's cell, display them before it.

    A notebook chooses one form of an output: the live view, before it knows whether the kernel and the
    view's script can be reached. So the static image has to be another output.

    Args:
        widget: the widget, whose views hide the HTML of the static output.
        static: the static output by MIME type.
        display_id: of the output in a notebook's cell, if it is updated later.
    """
    if not in_notebook():
        return static
    widget.add_class(live_class(widget.model_id))
    display(static, raw=True, display_id=display_id)  # type: ignore[no-untyped-call] # IPython has no types
    return {"text/html": _EMPTY_HTML}
