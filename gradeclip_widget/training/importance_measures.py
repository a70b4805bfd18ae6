"""Measure on drawn scenes whether a word's importance, and the first picture, tell the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.ranks import spearman
from ..demo.scenes import Scene
from ..demo.world import NUMBERS
from ..evaluation.pointing import energy_in_mask, pointing_hit, spread
from ..explain.explainer import Explainer
from .measured import ExplainedScene, mentions

if TYPE_CHECKING:
    from ..explain.explanation import Explanation

SHOWN = "shown"
DIFFERENTIATED = "grad-eclip, norms differentiated"

Values = NDArray[np.floating]


def importance_agreement(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Hold the importance of words against what is in view, and against leaving them out.

    Four figures for every measure of importance: the one that is shown by default, all those that an
    explanation can have, and Grad-ECLIP with its last norms differentiated, as in the paper.

    - named nouns at zero: the nouns of things in view whose importance is zero or less;
    - share of content words: what words that say what is in view have of all that is positive in a caption;
    - nouns above function words: captions in which every noun is above all words that name nothing;
    - rank agreement with leaving out: Spearman's correlation over a caption's words, mean over captions.
    """
    scene, explainer, encoded, explanation = explained
    as_in_paper = Explainer(explainer.clip, freeze_norms=False, readings=False)
    importances = {SHOWN: explanation.word_importance}
    importances |= {name: explanation.importance(name) for name in explanation.importance_measures}
    importances[DIFFERENTIATED] = as_in_paper(encoded, scene.caption).importance("grad-eclip")
    roles = Roles.of(scene, explanation)
    for name, values in importances.items():
        for what, found in compare(values, explanation.importance("leave-one-out"), roles):
            yield f"{what} ({name})", found


def first_picture(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Hold what is seen before anyone hovers against where things are.

    Four figures for the evidence of all words together, and for the map along the caption's embedding, which
    is the paper's: named objects on which it is brighter than in the picture's mean; scenes where it is so on
    all of them; scenes where it is brightest on one of them; and the part of it that lies on them.
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


class Roles(NamedTuple):
    """What the words of a true caption do, as indices.

    Attributes:
        nouns: name a thing in view, and no other word of the caption is the same.
        content: say what is in view: things, their colors and numbers, and the background.
        function: say nothing of it: articles, relations, "a photo of".
    """

    nouns: list[int]
    content: list[int]
    function: list[int]

    @classmethod
    def of(cls, scene: Scene, explanation: Explanation) -> Roles:
        """Return the roles of the words of a scene's own caption."""
        texts = [word.text for word in explanation.words]
        naming = [words for _, words in mentions(scene, explanation)]
        content = {w for words in naming for w in words}
        content |= {w for w, text in enumerate(texts) if text in NUMBERS.values()}
        if texts[-1] == "background":
            content |= {len(texts) - 2, len(texts) - 1}
        nouns = [words[-1] for words in naming if texts.count(texts[words[-1]]) == 1]
        function = [w for w in range(len(texts)) if w not in content]
        return cls(nouns, sorted(content), function)


def compare(values: Values, left_out: Values, roles: Roles) -> Iterator[tuple[str, float]]:
    """Yield the figures of one caption by one measure, by name; see `importance_agreement`.

    Args:
        values: (W,) importance of the words.
        left_out: (W,) what the score loses without each.
        roles: of the words.
    """
    for noun in roles.nouns:
        yield "named nouns at zero", float(values[noun] <= 0)
    positive = np.maximum(values.astype(np.float64), 0)
    if positive.any():
        yield "share of content words", float(positive[roles.content].sum() / positive.sum())
    if roles.nouns and roles.function:
        above = values[roles.nouns].min() > values[roles.function].max()
        yield "nouns above function words", float(above)
    if np.ptp(values) > 0 and np.ptp(left_out) > 0:
        yield "rank agreement with leaving out", spearman(values, left_out)
