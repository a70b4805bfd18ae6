"""A cell's outputs: a picture that works everywhere, and the fallback of the live widget."""

from __future__ import annotations

import base64
import functools
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData
from .card import DENSITY, draw_card
from .highlights import Phrase, alt_text, words_of
from .html import frame, frame_height, still_beneath
from .picture import described_png, small_png
from .still import picture_html, small_card, summary

WIDTH = 800  # pixels at which a card is shown
SETTING = "GRADECLIP_FALLBACK"  # an environment variable, read when a widget is displayed
PICTURE, PAGE, PNG = KINDS = ("picture", "page", "png")
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
_PICTURE = '{picture}<p style="margin: 4px 0; font-size: 13px">{summary}.<br>{hint}</p>'


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
    * ``text/html``: a picture with a line of text, and in front of it the page in a frame, which covers the
      picture when its script has run. JupyterLab, Notebook, VS Code, Colab, nbviewer, MyST and nbconvert's
      HTML prefer this form and run the frame. GitHub, and JupyterLab for a notebook that is not trusted,
      prefer it too but remove frames, and then do not use the PNG. So the HTML has its own picture with a
      description, as a smaller WebP. It needs no script outside the frame; with one, the frame has exactly
      the height of its page.
    * ``text/plain``: the description, for terminals and screen readers.

    If the environment variable ``GRADECLIP_FALLBACK`` is ``png``, there is no HTML.

    Attributes:
        explanation: the explanation to show.
        words: the words whose map is painted; ``None`` for all words that count.
        reading: reading of the map, as in `Explanation.overlay`.
        width: maximum display width in pixels.
        small: whether the pictures take little space, for outputs of every cell: a card of `SMALL_WIDTH`, and
            a PNG of 256 colors.
    """

    explanation: ExplanationData
    words: Phrase | None = None
    reading: str = IN_CAPTION
    width: int = WIDTH
    small: bool = False

    def __post_init__(self) -> None:
        """Draw the picture now, so that wrong words or a wrong width raise here."""
        _ = self._card

    def __repr__(self) -> str:
        """Return the description."""
        return alt_text(self.explanation, self.words)

    @functools.cached_property
    def _card(self) -> Image.Image:
        if self.small:
            return small_card(self.explanation, self.words)
        return draw_card(self.explanation, self.words, self.reading, self.width)

    def to_html(self, title: str | None = None) -> str:
        """Return the picture beneath the page in a frame, to paste into another page.

        Args:
            title: of the frame, for screen readers; the caption when ``None``.
        """
        e = self.explanation
        # Two lines of text are below it. A host that removes styles shows the picture in its full size.
        height = f"calc({frame_height(e.image.size)} - 60px)"
        picture = picture_html(
            self._card,
            e,
            self.words,
            width=self._shown_width,
            style=f"max-height: {height}; object-fit: contain; object-position: left top",
        )
        state = {} if self.words is None else {"selected_words": list(words_of(e, self.words))}
        return frame([e], title, state, still_beneath(picture, summary(e)))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the three forms, and the metadata of the picture."""
        bundle = {
            "image/png": base64.b64encode(self._repr_png_()).decode("ascii"),
            "text/plain": repr(self),
        }
        if fallback_kind() != PNG:
            bundle["text/html"] = self.to_html()
        return bundle, {"image/png": {"alt": repr(self), "width": self._shown_width}}

    def _repr_html_(self) -> str:
        """Return the HTML, for tools that ask for it alone, such as sphinx-gallery."""
        return self.to_html()

    def _repr_png_(self) -> bytes:
        """Return the encoded picture."""
        return (small_png if self.small else described_png)(self._card, repr(self))

    @property
    def _shown_width(self) -> int:
        return self._card.width if self.small else round(self._card.width / DENSITY)


def live_class(model_id: str) -> str:
    """Return the CSS class of the elements that contain a widget's live views."""
    return f"gradeclip-live-{model_id}"


def placeholder(prompt: str, model_id: str) -> dict[str, str]:
    """Return what `fallback` returns, until there is an explanation: a line of text."""
    text = f"“{prompt}” is not explained yet. If this does not change, run the cell again."
    bundle = {"text/plain": text}
    if fallback_kind() != PNG:
        content = f'<p style="margin: 4px 0; font-size: 13px">{html.escape(text)}</p>'
        bundle["text/html"] = hidden_while_live(content, model_id)
    return bundle


def fallback_kind() -> str:
    """Return what a cell contains for hosts without the live view: ``picture``, ``page`` or ``png``.

    Raises:
        ValueError: the environment variable ``GRADECLIP_FALLBACK`` is none of them.
    """
    kind = os.environ.get(SETTING) or PICTURE
    if kind not in KINDS:
        raise ValueError(f"{SETTING}={kind!r}: give one of {', '.join(map(repr, KINDS))}")
    return kind


def fallback(
    explanations: Sequence[ExplanationData],
    active: int,
    words: Phrase | None,
    model_id: str,
    state: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return the output of a cell for hosts without the live view: a picture and text, by MIME type.

    The HTML is a picture of about 40 kB; if the environment variable ``GRADECLIP_FALLBACK`` is ``page``, it
    is an interactive page of three times that size, which needs no kernel; if it is ``png``, there is no
    HTML, for hosts that hide all outputs with HTML.

    Args:
        explanations: the widget's explanations, one per prompt.
        active: index of the explanation that is shown.
        words: the words whose map is painted; ``None`` for all words that count.
        model_id: id of the widget's model, whose views hide the fallback.
        state: what the page shows, as values of the widget's traits; only the active prompt when ``None``.

    Raises:
        ValueError: the environment variable is none of these.
    """
    e, kind = explanations[active], fallback_kind()
    description = alt_text(e, words)
    card = small_card(e, words)
    bundle = {
        "image/png": base64.b64encode(small_png(card, description)).decode("ascii"),
        "text/plain": description,
    }
    if kind == PNG:
        return bundle
    picture = picture_html(card, e, words)
    if kind == PAGE:
        beneath = still_beneath(picture, summary(e))
        content = frame(explanations, state=state or {"active": active}, beneath=beneath)
    else:
        content = _PICTURE.format(picture=picture, summary=html.escape(summary(e)), hint=_HINT)
    return bundle | {"text/html": hidden_while_live(content, model_id)}


def hidden_while_live(content: str, model_id: str) -> str:
    """Return HTML that is hidden while a view of a widget's model is displayed."""
    name = f"gradeclip-fallback-{model_id}"
    return _ELEMENT.substitute(name=name, live=live_class(model_id), content=content)
