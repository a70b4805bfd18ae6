"""How the score stands among those of unrelated sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.progress import Progress, no_progress
from .base import Question, Shown

if TYPE_CHECKING:
    from ..backend.backend import Backend


class Unrelated(Question):
    """The scores of the picture with unrelated sentences; see `Explainer.unrelated_scores`.

    It is answered in the background, after all else, and gives way to whatever else is asked.
    """

    asks, answer = "match_scale", "unrelated"
    streams = quiet = True

    class Traits(t.HasTraits):
        """Whether the comparison is made, and its scores."""

        match_scale = t.Bool(
            True, help="whether the score is compared with those of unrelated sentences"
        ).tag(sync=True, option=True, page=True)
        unrelated = t.List(
            t.List(t.Float()),
            help="for each prompt the picture's scores with unrelated sentences, ascending; empty while they "
            "are not known",
        ).tag(sync=True, page=True, ts="number[][]")

    def arguments(self, value: Any, shown: Shown, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request, unless its explanations have the scores already."""
        known = not value or backend.has_unrelated(shown.request)
        return None if known else (shown.request,)

    def compute(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[list[list[float]]]:
        """Yield the scores for every prompt."""
        (request,) = arguments
        explainer = backend.explainer(request)
        encoded = backend.encode(request, explainer)
        report = progress or no_progress
        yield [
            explainer.unrelated_scores(encoded, caption, report).tolist()
            for caption in request.prompts
        ]

    def after_cancel(self, widget: Any) -> Any:
        """Return what the trait was: it is no question of the reader's."""
        return widget.match_scale
