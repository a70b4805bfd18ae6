"""How the score compares with the scores of unrelated sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.progress import Progress
from .base import Context, Question

if TYPE_CHECKING:
    from ..backend.backend import Backend


class Unrelated(Question):
    """The scores of the picture with unrelated sentences; see `Explainer.unrelated_scores`.

    They are computed in the background, after all other work; any other job interrupts them.
    """

    asks, answer = "match_scale", "unrelated"
    streams = quiet = True

    class Traits(t.HasTraits):
        """Whether the scores are computed, and the scores."""

        match_scale = t.Bool(
            True, help="whether the score is compared with those of unrelated sentences"
        ).tag(sync=True, option=True, page=True)
        unrelated = t.List(
            t.List(t.Float()),
            help="for each prompt the picture's scores with unrelated sentences, ascending; empty while they "
            "are not known",
        ).tag(sync=True, page=True, ts="number[][]")

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request, unless its explanations have the scores already."""
        return None if backend.has_unrelated(context.request) else (context.request,)

    def compute(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[list[list[float]]]:
        """Yield the scores for every prompt."""
        (request,) = arguments
        explainer = backend.explainer(request, progress)
        encoded = backend.encode(request, explainer, progress)
        yield [
            explainer.unrelated_scores(encoded, caption, progress).tolist()
            for caption in request.prompts
        ]

    def after_cancel(self, values: Mapping[str, Any]) -> Any:
        """Return the value as it is: the reader has not asked this question."""
        return values["match_scale"]
