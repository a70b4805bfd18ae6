"""A cell's outputs: a picture that works everywhere, and the fallback of the live widget."""

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
SETTING = "GRADECLIP_FALLBACK"  # an environment variable, read when a widget is displayed
PICTURE, PAGE = "picture", "page"
_WIDTH = 540  # pixels at which the card is shown
_HINT = "A picture of the live view, which needs the notebook's kernel: run the cell to explore it."

# The style hides the fallback while a view of the same widget is displayed (scripts do not run in every
# output). In hosts built on JupyterLab, which give outputs a margin, it hides the whole output. Without a
# view it hides the next output, which would be empty or an error message. The picture appears after half a
# second, so that it does not flash before the view is drawn.
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
    """The output of `Explanation.static`, in three forms; every host shows the best one it supports.

    * ``image/png``, with its size and a description as metadata. PDFs by LaTeX, Word, slides and all hosts
      without HTML use it.
    * ``text/html``: a picture, and in front of it the page in a frame, which covers the picture when its
      script has run. JupyterLab, Notebook, VS Code, Colab, nbviewer, MyST and nbconvert's HTML prefer this
      form and run the frame. GitHub, and JupyterLab for a notebook that is not trusted, prefer it too but
      remove frames, and then do not use the PNG. So the HTML has its own picture with a description, as a
      smaller WebP. It needs no script outside the frame.
    * ``text/plain``: the description, for terminals and screen readers.

    Attributes:
        explanation: the explanation to show.
        words: the words whose map is painted; ``None`` for all words that count.
        reading: reading of the map, as in `Explanation.overlay`.
        width: maximum display width in pixels.
    """

    explanation: ExplanationData
    words: Phrase | None = None
    reading: str = IN_CAPTION
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Draw the picture now, so that wrong words or a wrong width raise here."""
        _ = self._card

    def __repr__(self) -> str:
        """Return the description."""
        return alt_text(self.explanation, self.words)

    @functools.cached_property
    def _card(self) -> Image.Image:
        return draw_card(self.explanation, self.words, self.reading, self.width)

    def to_html(self) -> str:
        """Return the picture beneath the page in a frame, to paste into another page."""
        # The image is limited to the frame's height, unless a host removes the style.
        picture = (
            f'<img src="{card_url(self._card)}" alt="{html.escape(repr(self))}" '
            f'width="{self._shown_width}" style="grid-area: 1 / 1; max-width: 100%; max-height: 740px; '
            'object-fit: contain; object-position: left top">'
        )
        e = self.explanation
        state = {} if self.words is None else {"selected_words": list(words_of(e, self.words))}
        return frame([e], state=state, beneath=picture)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the three forms, and the metadata of the picture."""
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
    """Return the CSS class of the elements that contain a widget's live views."""
    return f"gradeclip-live-{model_id}"


def _kind() -> str:
    """Return the kind of fallback that the environment variable names."""
    kind = os.environ.get(SETTING) or PICTURE
    if kind not in (PICTURE, PAGE):
        raise ValueError(f"{SETTING}={kind!r}: give {PICTURE!r} or {PAGE!r}")
    return kind


def placeholder(prompt: str, model_id: str) -> tuple[str, str]:
    """Return what `fallback` returns, until there is an explanation; errors are the same."""
    _kind()
    text = f"“{prompt}” is not explained yet. If this does not change, run the cell again."
    content = f'<p style="margin: 4px 0; font-size: 13px">{html.escape(text)}</p>'
    name = f"gradeclip-fallback-{model_id}"
    return _ELEMENT.substitute(name=name, live=live_class(model_id), content=content), text


def fallback(
    explanations: Sequence[ExplanationData], active: int, words: Phrase | None, model_id: str
) -> tuple[str, str]:
    """Return the output of a cell for hosts without the live view, as HTML and in words.

    It is a picture of about 40 kB. If the environment variable ``GRADECLIP_FALLBACK`` is ``page``, it is an
    interactive page of three times that size, which needs no kernel.

    Args:
        explanations: the widget's explanations, one per prompt.
        active: index of the explanation that is shown.
        words: the words whose map is painted; ``None`` for all words that count.
        model_id: id of the widget's model, whose views hide the fallback.

    Raises:
        ValueError: the environment variable is neither ``picture`` nor ``page``.
    """
    kind = _kind()
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
