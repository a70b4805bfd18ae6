"""How the scores change when the region is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.progress import Progress, no_progress
from ...core.regions import seen_share
from ...export.picture import display_image
from ...images.erase import ERASURES, erase
from .base import RegionQuestion

if TYPE_CHECKING:
    from ..backend.backend import Backend


class Erasure(RegionQuestion):
    """The mask test: the region is blurred, filled or replaced by noise; the scores are computed again."""

    asks, answer = "erase", "erased"

    class Traits(t.HasTraits):
        """How the region is erased, and the scores after that."""

        erase = t.Enum(
            ("", *ERASURES),
            "",
            help="how the region is erased for a mask test; empty for no test",
        ).tag(sync=True, control=True, option=True, page=True)
        erased = t.Instance(
            dict,
            allow_none=True,
            help="the picture with the region erased, and each prompt's cosine; None in place of the cosines "
            "if the model did not see the region",
        ).tag(sync=True, page=True, ts="{ how: string; image: Bytes; scores: (number | null)[] }")

    def compute(self, backend: Backend, *arguments: Any, progress: Progress | None = None) -> Any:
        """Return how the region was erased, the erased picture as WebP, and the score of every prompt."""
        request, how, region = arguments
        explainer = backend.explainer(request, progress)
        (progress or no_progress)("mask test", 0, None)
        image = backend.image(request)
        without = erase(image, region, how)
        cover = backend.explain(request, progress or no_progress)[0].cover
        scores: list[float | None] = [None] * len(request.prompts)
        if seen_share(region, image.size, cover) > 0:
            scores = [float(s) for s in explainer.scores(without, request.prompts)]
        return {"how": how, "image": display_image(without), "scores": scores}
