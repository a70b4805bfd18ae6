"""What stands in a notebook's cell beside the live view, for where that cannot be shown."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from string import Template

from ...core.explanation_data import IN_CAPTION, ExplanationData
from ..html import frame
from ..picture import card_url
from .alt_text import alt_text
from .card import draw_card
from .chosen import Phrase

SETTING = "GRADECLIP_FALLBACK"  # an environment variable, read whenever a widget is displayed
PICTURE, PAGE = "picture", "page"
_WIDTH = 540  # pixels at which the card is shown
_HINT = "A picture of the live view, which needs the notebook's kernel: run the cell to explore it."

# While the view of the same widget is there, nothing of this is. The style sees to it, because scripts do not
# run in every output. In hosts built on JupyterLab, which give outputs a margin, the whole output goes; and
# while there is no view, the output after it, which would say that it was not found, or be empty. For half a
# second the picture is not seen, so that it does not flash where the view is about to come.
_ELEMENT = Template("""<div class="gradeclip-fallback $name"><style>
body:has(.$live .gradeclip) :is(.$name, .jp-OutputArea-child:has(> * > .$name)) { display: none; }
.jp-OutputArea-child:has(> * > .$name) + .jp-OutputArea-child:not(:has(.gradeclip)) { display: none; }
@keyframes $name { from { opacity: 0; } }
@media screen { .$name { animation: $name 0.1s 0.5s backwards; } }
</style>$content</div>""")
_PICTURE = Template(
    '<img src="$url" alt="$alt" width="$width" style="max-width: 100%; height: auto">'
    '<p style="margin: 4px 0; font-size: 13px">$hint</p>'
)


def live_class(model_id: str) -> str:
    """Return the class of the elements that hold a widget's live views."""
    return f"gradeclip-live-{model_id}"


def fallback(
    explanations: Sequence[ExplanationData], active: int, words: Phrase | None, model_id: str
) -> tuple[str, str]:
    """Return what a cell shows where the live view is not, as HTML and in words.

    It is a picture of some 40 kB, or a page of three times that, which answers without a kernel, where the
    environment variable ``GRADECLIP_FALLBACK`` is ``page``.

    Args:
        explanations: what the widget shows, one per prompt.
        active: index of the one on show.
        words: those whose map is painted; ``None`` for all that count.
        model_id: the widget's; its views hide this.

    Raises:
        ValueError: the environment variable is neither ``picture`` nor ``page``.
    """
    kind = os.environ.get(SETTING) or PICTURE
    if kind not in (PICTURE, PAGE):
        raise ValueError(f"{SETTING}={kind!r}: give {PICTURE!r} or {PAGE!r}")
    description = alt_text(explanations[active], words)
    if kind == PAGE:
        content = frame(explanations, state={"active": active})
    else:
        card = draw_card(explanations[active], words, IN_CAPTION, _WIDTH, density=1)
        content = _PICTURE.substitute(
            url=card_url(card), alt=html.escape(description), width=card.width, hint=_HINT
        )
    name = f"gradeclip-fallback-{model_id}"
    return _ELEMENT.substitute(name=name, live=live_class(model_id), content=content), description
