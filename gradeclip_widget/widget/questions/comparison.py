"""The caption explained by several methods, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import traitlets as t

from ...core.errors import describe_error, did_you_mean
from ...core.progress import Progress, no_progress
from ...export.payload import to_maps
from .base import Context, Question

if TYPE_CHECKING:
    from ...explain.explanation import Explanation
    from ..backend.backend import Backend

MOST = 6  # methods at a time
NO_MODEL = (
    "compare: this widget shows a saved explanation and has no model; explore(..., compare=...) has"
)


class Compared(NamedTuple):
    """An answer, which may be incomplete.

    Attributes:
        explanations: the explanations computed so far, by the methods' names.
        cells: one for each method, as ``MethodCell`` in ``js/src/state/entries.ts``.
    """

    explanations: Mapping[str, Explanation]
    cells: Sequence[dict[str, Any]]


class Comparison(Question):
    """The active prompt explained by several methods, one after the other.

    They share one pass of the picture through the image tower.
    """

    asks, answer = "compare", "comparison"
    streams = True

    class Traits(t.HasTraits):
        """The methods that are compared, and their explanations."""

        compare = t.List(
            t.Unicode(),
            help=f"names of the methods that are compared, at most {MOST}; empty for none",
        ).tag(sync=True, control=True, option=True, page=True, explained=True)
        comparison = t.Dict(
            help="the explanations by the compared methods that are computed so far, by the methods' names"
        )
        _comparison = t.List(t.Dict(), help="what is shown of the compared methods").tag(
            sync=True, page=True, ts="MethodCell[]"
        )

        @t.validate("compare")
        def _check_compare(self: Any, proposal: Any) -> list[str]:
            names: list[str] = proposal["value"]
            if names and not self.live:
                raise t.TraitError(NO_MODEL)
            known = [method["name"] for method in self._methods]
            for name in names:
                if name not in known:
                    listed = ", ".join(map(repr, known))
                    guess = did_you_mean(name, known)
                    raise t.TraitError(
                        f"compare: no method {name!r}{guess or '.'} There are {listed}"
                    )
            if len(names) > MOST:
                raise t.TraitError(f"compare: {len(names)} methods; give at most {MOST}")
            if len(set(names)) < len(names):
                raise t.TraitError(f"compare: {names} names a method twice")
            return names

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request for the active prompt alone, without a method, and the methods' names."""
        return context.of_caption, tuple(value)

    def compute(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[Compared]:
        """Yield the explanations computed so far before each one that takes time, and all of them last."""
        request, names = arguments
        requests = {name: replace(request, method=name) for name in names}
        labels = {method["name"]: method["label"] for method in backend.methods(request)}
        cells = {name: {"name": name, "label": labels[name]} for name in names}
        explanations: dict[str, Explanation] = {}
        for name in sorted(names, key=lambda name: not backend.has_explained(requests[name])):
            if not backend.has_explained(requests[name]):
                yield Compared(dict(explanations), list(cells.values()))
            try:
                report = _naming(labels[name], progress or no_progress)
                (explanations[name],) = backend.explain(requests[name], report)
            except Exception as error:  # noqa: BLE001 - the other methods are still shown
                cells[name] = cells[name] | {"error": describe_error(error)}
            else:
                cells[name] = cells[name] | to_maps(explanations[name])
        yield Compared(explanations, list(cells.values()))

    def values(self, answer: Compared) -> dict[str, Any]:
        """Return the explanations for programs and the cells for views."""
        return {"comparison": dict(answer.explanations), "_comparison": list(answer.cells)}

    def no_answer(self) -> dict[str, Any]:
        """Return no explanations and no cells."""
        return self.values(Compared({}, []))

    def after_cancel(self, values: Mapping[str, Any]) -> list[str]:
        """Return the methods whose cells are complete."""
        complete = [c["name"] for c in values["_comparison"] if "maps" in c or "error" in c]
        return [name for name in values["compare"] if name in complete]


def _naming(label: str, progress: Progress) -> Progress:
    """Return a callback whose stages begin with a method's label."""

    def report(stage: str, done: int, total: int | None) -> None:
        progress(f"{label}, {stage}", done, total)

    return report
