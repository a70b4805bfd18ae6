"""The gallery: a grid of thumbnails, and the full explanation of the pair that is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets as t

from ...core.errors import describe_error
from ..backend.worker import Check, Worker
from ..traits import Traits
from .answers import Answers
from .details import Details
from .disagreement import all_disagreements
from .grid import SHARED, GalleryGrid, GalleryTraits
from .run import OpenRun, OtherRun
from .table import DISAGREEMENT, POSITION, Query, Rows

if TYPE_CHECKING:
    import pandas as pd

    from ..widget import ExplanationWidget

_QUERY = ("sort", "descending", "text", "word", "word_role", "score_range")
_FRAME = (
    "id", POSITION, "caption", "image", "words", "importances", "score", "energy", "concentration",
    "width", "height", "method", "model", "seconds",
)  # fmt: skip
_WHY_NOT = {
    "energy": "no pair of this run has a box, in which its share of the map would lie",
    "concentration": "no map of this run has a positive patch",
    "score": "the run has no pairs",
    DISAGREEMENT: "two runs are compared by gw.browse(out, other=...)",
}


class Gallery(ipywidgets.VBox, GalleryTraits):  # type: ignore[misc] # ipywidgets has no types
    """Shows the pairs of a dataset run. Make one with `browse`.

    Attributes:
        sort: what is sorted by: ``"position"`` in the source, ``"score"``, ``"concentration"``, ``"energy"``
            where pairs have boxes, or ``"disagreement"`` where two runs are compared.
        descending: whether the largest come first.
        text: part of the caption, in any case.
        word: one word or more that the caption has.
        word_role: what each of them does there: ``"any"``; ``"counts"``, 15 % of the largest importance
            in its caption or more; ``"ignored"``, a twentieth of it or less.
        score_range: (lowest, highest) score, or ``None``.
        heat: whether maps are painted on the thumbnails.
        side: whose maps, where two runs are compared: ``"both"``, ``"this"`` or ``"other"``.
        selected: id of the pair whose full explanation is open; setting it opens one, ``None`` closes it.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
    """

    def __init__(self, run: OpenRun, other: OtherRun | None, details: Details) -> None:
        """Show a run.

        Args:
            run: the run.
            other: one to compare it with, if any.
            details: explains pairs.
        """
        self._opened, self._other, self._details = run, other, details
        self._comparing, self._explaining = Worker(Traits.changed), Worker(Traits.changed)
        self._compared = False  # whether the disagreement of every row is known
        self._sorts = (POSITION, *run.table.measures(), *((DISAGREEMENT,) if other else ()))
        self._asked, self._generation = Query(), 0
        self._order: Rows = run.table.order(self._asked)
        self._grid = GalleryGrid()
        self._answers = Answers(run, other, self._grid.send)
        super().__init__([self._grid])
        self._grid.about = {
            "label": run.label,
            "other": other.label if other else None,
            "total": run.table.total,
            "sorts": list(self._sorts),
            "importances": bool(run.record["importances"]),
        }
        self._grid.failed = run.failures.summary()
        self._show_order()
        for name in SHARED:
            t.link((self, name), (self._grid, name))
        self.observe(self._ask, _QUERY)
        self.observe(self._select, "selected")
        self._grid.on_msg(self._receive)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows on show, filtered and sorted, as a pandas table without maps and thumbnails."""
        self.wait()
        return self._opened.table.frame(self._order, _FRAME, disagreements=self._compared)

    @property
    def errors(self) -> pd.DataFrame:
        """The pairs that could not be explained, and why, as a pandas table."""
        return self._opened.failures.frame()

    @property
    def detail(self) -> ExplanationWidget | None:
        """The full widget of the pair that is open."""
        return self.children[1] if len(self.children) > 1 else None

    def filter(self, **traits: Any) -> Gallery:
        """Set several traits at once, all of them or none, and return the gallery.

        Raises:
            TypeError: there is no such trait.
            TraitError: one cannot have that value; the sentence names it.
        """
        if unknown := sorted(set(traits) - set(SHARED)):
            raise TypeError(f"filter(): no {unknown[0]!r}; there are {', '.join(SHARED)}")
        with self.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self, name, value)
        return self

    def wait(self, timeout: float | None = None) -> None:
        """Block until nothing is under way.

        Raises:
            TimeoutError: that took longer than ``timeout`` seconds.
        """
        for worker in (self._comparing, self._explaining):
            worker.wait(timeout)

    def close(self) -> None:
        """Close the views and stop what is under way."""
        for worker in (self._comparing, self._explaining):
            worker.close()
        for child in self.children:
            child.close()
        super().close()

    def __repr__(self) -> str:
        shown, total = len(self._order), self._opened.table.total
        return f"{type(self).__name__}({self._opened.label}: {shown:,} of {total:,} pairs)"

    # From traits to an order

    @t.validate("sort")
    def _check_sort(self, proposal: Any) -> str:
        sort: str = proposal["value"]
        if sort not in self._sorts:
            raise t.TraitError(
                f"sort={sort!r}: {_WHY_NOT[sort]}; there are {', '.join(map(repr, self._sorts))}"
            )
        return sort

    @t.validate("word_role")
    def _check_role(self, proposal: Any) -> str:
        role: str = proposal["value"]
        if role != "any" and not self._opened.record["importances"]:
            raise t.TraitError(
                f"word_role={role!r}: this run was made with importances=False, so that no word counts"
            )
        return role

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> str | None:
        name: str | None = proposal["value"]
        if name is not None and self._opened.table.row_of(name) is None:
            raise t.TraitError(f"selected={name!r}: no explained pair has that id")
        return name

    def _ask(self, change: Any) -> None:
        """Put the rows in the order that the traits ask for, once the other run is compared if need be."""
        query = Query.of(self)
        if query == self._asked:
            return
        self._asked = query
        self._comparing.cancel()
        self._grid.progress = None
        if query.sort == DISAGREEMENT and not self._compared:
            self._grid.progress = {"done": 0, "total": self._opened.table.total}
            self._comparing.submit(self._compare)
        else:
            self._reorder()

    def _compare(self, check: Check) -> None:
        """Compute the disagreement of all rows, and sort by it."""
        assert self._other is not None
        total = self._opened.table.total

        def report(done: int) -> None:
            check()
            with Traits.changed:
                check()
                self._grid.progress = {"done": done, "total": total}

        try:
            apart = all_disagreements(
                self._opened.reader, self._other.maps, self._other.partners, report
            )
        except (OSError, ValueError) as error:
            with Traits.changed:
                check()
                self._grid.error = describe_error(error)
                self._grid.progress = None
            return
        with Traits.changed:
            check()
            self._opened.table.set_disagreements(apart)
            self._compared, self._grid.progress = True, None
            self._reorder()

    def _reorder(self) -> None:
        self._order = self._opened.table.order(self._asked)
        self._show_order()

    def _show_order(self) -> None:
        self._generation += 1
        with self._grid.hold_sync():
            self._grid.error = ""
            self._grid.histogram = self._opened.table.histogram(self._asked)
            self._grid.order = {"generation": self._generation, "count": len(self._order)}
            if self._grid.opened is not None:
                index = self._index(self._opened.table.row_of(self._grid.opened["id"]))
                self._grid.opened = self._grid.opened | {"index": index}

    # The pair that is open

    def _select(self, change: Any) -> None:
        """Explain the pair that was selected, in place of the one before."""
        self._explaining.cancel()
        self._show_detail(None)
        row = None if self.selected is None else self._opened.table.row_of(self.selected)
        if row is None:
            self._grid.opened = None
            return
        self._grid.opened = {
            "id": self.selected,
            "index": self._index(row),
            "status": "loading",
            "sentence": "",
        }
        self._explaining.submit(lambda check: self._explain(row, check))

    def _explain(self, row: int, check: Check) -> None:
        """Explain a pair in full and show it, or why that cannot be."""
        try:
            table = self._opened.reader.take(np.array([row]))
            names = ["id", "caption", "image", "position", "width", "height"]
            (pair,) = table.select(names).to_pylist()
            pair["size"] = pair["width"], pair["height"]
            widget, status = self._details.explain(pair), "ready"
            sentence = self._details.note()
        except Exception as error:  # noqa: BLE001 - whatever a model or a source raises is said to the reader
            widget, status, sentence = None, "failed", describe_error(error)
        with Traits.changed:
            try:
                check()
            except BaseException:
                if widget is not None:
                    widget.close()
                raise
            self._show_detail(widget)
            told = {"status": status, "sentence": sentence}
            self._grid.opened = {**(self._grid.opened or {}), **told}

    def _show_detail(self, widget: ExplanationWidget | None) -> None:
        before = self.detail
        self.children = (self._grid,) if widget is None else (self._grid, widget)
        if before is not None:
            before.close()

    def _index(self, row: int | None) -> int | None:
        """Return where a row is in the order; ``None`` where the filters leave it out."""
        found = np.flatnonzero(self._order == row)
        return int(found[0]) if len(found) else None

    # What a view asks

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Answer a view's message."""
        handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "rows": lambda asked: self._answers.rows(asked, self._order, self._generation),
            "pair": self._answers.pair,
            "errors": self._answers.errors,
            "step": self._step,
        }
        handle = handlers.get(content.get("kind", ""))
        if handle is None:
            return
        try:
            handle(content)
        except (OSError, ValueError) as error:
            self._grid.error = describe_error(error)

    def _step(self, content: dict[str, Any]) -> None:
        """Open the pair before or after the one that is open."""
        at = (
            None if self.selected is None else self._index(self._opened.table.row_of(self.selected))
        )
        to = -1 if at is None else at + int(content["by"])
        if 0 <= to < len(self._order):
            self.selected = self._opened.table.id_of(int(self._order[to]))
