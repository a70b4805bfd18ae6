"""How the score changes when pixels are altered in the order of each compared method's map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.errors import describe_error
from ...core.progress import Progress, no_progress
from .base import Context, Question

if TYPE_CHECKING:
    from ..backend.backend import Backend
    from ..request import Request

Curves = dict[str, Any]  # as ``Curves`` in ``js/src/state/entries.ts``


class PerturbationCurves(Question):
    """Deletion and insertion curves of every compared method's map that is shown while no word is chosen.

    The protocol is the paper's (see `Deletion`): up to half of the pixels are replaced by uniformly random
    colors, and the score is recorded ten times.
    """

    asks, answer = "curves", "perturbation_curves"
    depends_on = ("overview",)
    streams = True

    class Traits(t.HasTraits):
        """Whether curves are computed, and the curves."""

        curves = t.Bool(
            False, help="whether the compared maps are measured by deletion and insertion"
        ).tag(sync=True, control=True, option=True, page=True)
        perturbation_curves = t.Dict(
            help="by the compared methods' names, the points of the 'deletion' and 'insertion' curves, each "
            "a fraction of the pixels and the score divided by the original score; and the 'source' of the "
            "map, a value of ``overview``"
        ).tag(sync=True, page=True, ts="Record<string, Curves>")

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request for the active prompt alone, without a method, the methods, and which map."""
        if not context.compare:
            return None
        return context.of_caption, context.compare, context.overview

    def compute(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[dict[str, Curves]]:
        """Yield the curves measured before, and then all curves after every new point."""
        request, names, source = arguments
        requests = {name: replace(request, method=name) for name in names}
        keys = {name: (request, source) for name, request in requests.items()}
        measured = {n: backend.curves[key] for n, key in keys.items() if key in backend.curves}
        yield dict(measured)
        for name in names:
            if name in measured:
                continue
            for curves in _measure(backend, requests[name], source, progress or no_progress):
                measured[name] = curves
                yield dict(measured)
            backend.curves[keys[name]] = measured[name]


def _measure(
    backend: Backend, request: Request, source: Any, progress: Progress
) -> Iterator[Curves]:
    """Yield a method's curves after every point; if they cannot be measured, the reason as ``error``."""
    from ...evaluation.measures.perturbation import Deletion, Insertion

    curves: Curves = {"source": source, "deletion": [], "insertion": []}
    try:
        (explanation,) = backend.explain(request, progress)
        explainer = backend.explainer(request, progress)
        for measure in (Deletion(source=source), Insertion(source=source)):
            points = curves[measure.name]
            stage = f"{explanation.method}, {measure.name}"
            progress(stage, 0, measure.steps)
            for point in measure.curve(explainer, explanation):
                points.append(list(point))
                progress(stage, len(points) - 1, measure.steps)
                yield curves | {name: list(curves[name]) for name in ("deletion", "insertion")}
    except Exception as error:  # noqa: BLE001 - the other methods are still measured
        yield curves | {"error": describe_error(error)}
