"""A cell's output that is a picture wherever a notebook is read, and alive where scripts run."""

from __future__ import annotations

import base64
import functools
import html
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ...core.explanation_data import IN_CAPTION, ExplanationData
from ..html import frame
from ..picture import card_url, described_png
from .alt_text import alt_text
from .card import DENSITY, draw_card
from .chosen import Phrase, words_of

WIDTH = 800  # pixels at which a card is shown


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
