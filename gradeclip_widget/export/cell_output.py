"""A cell's output that is a picture wherever a notebook is read, and alive where scripts run."""

from __future__ import annotations

import base64
import functools
import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData
from .card import DENSITY, draw_card
from .highlights import Phrase, alt_text, words_of
from .html import frame
from .picture import card_url, described_png

WIDTH = 800  # pixels at which a card is shown
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


def png(
    explanation: ExplanationData,
    words: Phrase | None = None,
    reading: str = IN_CAPTION,
    width: int = WIDTH,
) -> bytes:
    """Return the encoded card of `Explanation.to_png`."""
    card = draw_card(explanation, words, reading, width)
    return described_png(card, alt_text(explanation, words))


@dataclass(frozen=True, eq=False)
class StaticOutput:
    """What `Explanation.static` returns: an output in three forms, of which every host shows its best.

    * ``image/png``, with its size and a description as metadata. PDFs by LaTeX, Word and slides take it, and
      all hosts that know no HTML.
    * ``text/html``: a picture, and in front of it the page in a frame, which covers it once its script has
      run. JupyterLab, Notebook, VS Code, Colab, nbviewer, MyST and nbconvert's HTML prefer this form and run
      the frame. GitHub, and JupyterLab for a notebook that is not trusted, prefer it too but take frames
      out: a frame alone would leave nothing there, and the PNG would not be looked at. So the HTML brings a
      picture of its own, with a description, as a smaller WebP. No script outside of the frame is needed.
    * ``text/plain``: the description, for terminals, and for readers who hear the notebook.

    Attributes:
        explanation: what is shown.
        words: whose map is painted; ``None`` for all words that count.
        reading: of the map, as in `Explanation.overlay`.
        width: in pixels at which the picture is shown, at most.
    """

    explanation: ExplanationData
    words: Phrase | None = None
    reading: str = IN_CAPTION
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Draw the picture now, so that what is wrong with the words or the width is said here."""
        _ = self._card

    def __repr__(self) -> str:
        """Return the description."""
        return alt_text(self.explanation, self.words)

    @functools.cached_property
    def _card(self) -> Image.Image:
        return draw_card(self.explanation, self.words, self.reading, self.width)

    def to_html(self) -> str:
        """Return the picture beneath the page in a frame, to paste into a page of one's own."""
        # The image is cut to the frame's height where styles are kept, and whole where they are not.
        picture = (
            f'<img src="{card_url(self._card)}" alt="{html.escape(repr(self))}" '
            f'width="{self._shown_width}" style="grid-area: 1 / 1; max-width: 100%; max-height: 740px; '
            'object-fit: contain; object-position: left top">'
        )
        e = self.explanation
        state = {} if self.words is None else {"selected_words": list(words_of(e, self.words))}
        return frame([e], state=state, beneath=picture)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the three forms, and what belongs to the picture."""
        data = described_png(self._card, repr(self))
        bundle = {
            "image/png": base64.b64encode(data).decode("ascii"),
            "text/html": self.to_html(),
            "text/plain": repr(self),
        }
        return bundle, {"image/png": {"alt": repr(self), "width": self._shown_width}}

    @property
    def _shown_width(self) -> int:
        return round(self._card.width / DENSITY)


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
