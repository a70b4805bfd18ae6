"""Measure on drawn scenes whether the importance of words and the first picture are correct."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gradeclip_widget.core.ranks import spearman
from gradeclip_widget.evaluation.pointing import energy_in_mask, pointing_hit, spread
from gradeclip_widget.evaluation.roles import Roles
from gradeclip_widget.explain.explainer import Explainer

from .measured import ExplainedScene, mentions

SHOWN = "shown"
DIFFERENTIATED = "grad-eclip, norms differentiated"

Values = NDArray[np.floating]


def importance_agreement(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Compare the importance of words with the picture's content and with leave-one-out scores.

    It yields four values for every measure of importance: the default one, all others of an explanation, and
    Grad-ECLIP with its last norms differentiated, as in the paper.

    - named nouns at zero: whether a noun of a visible thing has no positive importance;
    - share of content words: their fraction of the positive importance in a caption;
    - nouns above function words: whether every noun of a caption is above all words that name nothing;
    - rank agreement with leaving out: Spearman's correlation over a caption's words, mean over captions.
    """
    scene, explainer, encoded, explanation = explained
    as_in_paper = Explainer(explainer.clip, freeze_norms=False, readings=False)
    importances = {SHOWN: explanation.word_importance}
    importances |= {name: explanation.importance(name) for name in explanation.importance_measures}
    importances[DIFFERENTIATED] = as_in_paper(encoded, scene.caption).importance("grad-eclip")
    roles = Roles.of(explained.case.example, explanation.words)
    for name, values in importances.items():
        for what, value in compare(values, explanation.importance("leave-one-out"), roles):
            yield f"{what} ({name})", value


def first_picture(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Compare the first picture with the places of things.

    It yields four values for the evidence of all words together, and for the paper's map of the caption:
    whether it is brighter on a named object than in the mean; whether it is on all of them; whether its peak
    is on one of them; and the fraction of it on them.
    """
    explanation = explained.explanation
    masks = [mask for mask, _ in mentions(explained.scene, explanation)]
    if not masks:
        return
    named = np.logical_or.reduce(masks)
    maps = {"words": explanation.evidence_map, "caption": explanation.image_map}
    for name, values in maps.items():
        pixels = spread(values, *named.shape)
        brighter = [bool(pixels[mask].mean() > pixels.mean()) for mask in masks]
        for one in brighter:
            yield f"named objects brighter than the mean ({name})", one
        yield f"scenes where all are ({name})", all(brighter)
        yield f"peak on a named object ({name})", pointing_hit(values, named)
        yield f"energy in named objects ({name})", energy_in_mask(values, named)


def compare(values: Values, left_out: Values, roles: Roles) -> Iterator[tuple[str, float]]:
    """Yield the values of one caption for one measure, by name; see `importance_agreement`.

    Args:
        values: (W,) importance of the words.
        left_out: (W,) leave-one-out scores of the words.
        roles: roles of the words.
    """
    for zero in roles.at_zero(values):
        yield "named nouns at zero", float(zero)
    positive = np.maximum(values.astype(np.float64), 0)
    if positive.any():
        yield "share of content words", float(positive[roles.content].sum() / positive.sum())
    if (above := roles.nouns_above(values)) is not None:
        yield "nouns above function words", float(above)
    if np.ptp(values) > 0 and np.ptp(left_out) > 0:
        yield "rank agreement with leaving out", spearman(values, left_out)
