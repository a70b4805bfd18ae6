"""What stays of a page or an output where a host removes frames, scripts or styles: a picture and words."""

from __future__ import annotations

import html

from PIL import Image

from ..core.evidence import LEAVE_ONE_OUT
from ..core.explanation_data import IN_CAPTION, ExplanationData
from .card import draw_card
from .highlights import Phrase, alt_text
from .picture import card_url

SMALL_WIDTH = 540  # pixels of a card that is part of every output


def small_card(explanation: ExplanationData, words: Phrase | None = None) -> Image.Image:
    """Return the card of `Explanation.to_png` in a size that suits every output."""
    return draw_card(explanation, words, IN_CAPTION, SMALL_WIDTH, density=1)


def picture_html(
    card: Image.Image,
    explanation: ExplanationData,
    words: Phrase | None = None,
    *,
    width: int | None = None,
    style: str = "",
) -> str:
    """Return a card as an HTML image with its description.

    Args:
        card: the card of the explanation.
        explanation: described by the alternative text.
        words: the words whose map the card shows; ``None`` for all words that count.
        width: in display pixels; that of the card when ``None``.
        style: more CSS.
    """
    return (
        f'<img src="{card_url(card)}" alt="{html.escape(alt_text(explanation, words))}" '
        f'width="{width or card.width}" style="max-width: 100%; height: auto{style and "; " + style}">'
    )


def summary(explanation: ExplanationData) -> str:
    """Return the caption, the score, and what the words that count add to it, in one line.

    The warning that the picture is foreign to the model comes first.
    """
    e = explanation
    warning = "" if e.warning is None else f"{e.warning} "
    counting = {w for one in e.highlights() for w in one.words} | set(e.lowering_words())
    order = sorted(counting, key=lambda w: -e.word_importance[w])
    parts = ", ".join(f"{e.words[w].text} {e.word_importance[w]:+.3f}" for w in order)
    return f"{warning}“{' '.join(e.caption.split())}”: score {e.score:.3f}{parts and f' ({parts})'}"


def words_html(explanation: ExplanationData) -> str:
    """Return the numbers of every word as a table, with the notes."""
    e = explanation
    columns = {"Adds to the score": e.word_importance}
    if LEAVE_ONE_OUT in e.importance_measures[1:]:
        columns["Lost without it"] = e.importance(LEAVE_ONE_OUT)
    heads = "".join(f"<th>{name}</th>" for name in ("Word", *columns))
    rows = "".join(
        f"<tr><td>{html.escape(word.text)}</td>"
        + "".join(
            f"<td>{'not read' if e.unread[w] else f'{values[w]:.3f}'}</td>"
            for values in columns.values()
        )
        + "</tr>"
        for w, word in enumerate(e.words)
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in e.notes[e.warning is not None :])
    return (
        f"<p>{html.escape(summary(e))}. Numbers are parts of the score, a cosine similarity.</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{notes}"
    )
