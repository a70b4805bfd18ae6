"""The gallery: a grid of thumbnails, and the full explanation of the open pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets as t

from ...core.errors import describe_error
from ...dataset.runs import DatasetRun, open_run
from ...dataset.runs.dataset_run import Comparison
from ...dataset.runs.reader import RowReader
from ...dataset.runs.table import DISAGREEMENT, POSITION, Query, Rows
from ...export.cell_output import PAGE, fallback_kind
from ..backend.worker import Check, Worker
from ..cell import beside_live
from ..front_end import OwnLayout, closed_on_error
from ..traits import Traits
from .answers import TILE_COLUMNS, Answers
from .details import Details
from .grid import SHARED, GalleryGrid, GalleryTraits
from .still import MAX_PAIRS, gallery_output

if TYPE_CHECKING:
    import pandas as pd

    from ...clip import ClipModel
    from ...explain.explainer import Explainer
    from ..widget import ExplanationWidget

_FRAME = (
    "id", POSITION, "caption", "image", "words", "importances", "score", "energy", "box_seen",
    "concentration", "width", "height", "method", "model", "seconds",
)  # fmt: skip
_QUERY = [field.name for field in fields(Query)]
_WHY_NOT = {
    "energy": "no pair of this run has a box that the model saw",
    "concentration": "no map of this run has a positive patch",
    "score": "the run has no explained pairs",
    DISAGREEMENT: "only one run is open; gw.browse(out, other=...) compares two",
}


def browse(
    out: str | PathLike[str],
    other: str | PathLike[str] | None = None,
    *,
    model: str | ClipModel | Explainer | None = None,
    source: Any = None,
    **traits: Any,
) -> Gallery:
    """Show the pairs of a dataset run as a gallery: thumbnails with their maps, to sort, filter and open.

    Rows are read when they come into view, so that a run of any length opens at once. A click on a pair opens
    it in the full widget, which explains it again with the settings of the run.

    >>> import tempfile, gradeclip_widget as gw
    >>> pairs = [(scene.image, scene.caption) for scene in gw.demo.scenes()[:2]]
    >>> run = gw.explain_dataset(pairs, tempfile.mkdtemp(), progress=False)
    >>> gw.browse(run, sort="score")
    Gallery(Grad-ECLIP · demo: 2 of 2 pairs)

    Args:
        out: a run that `explain_dataset` or `open_run` returned, or its folder.
        other: a second run over the same source, by another method or model. The gallery shows its maps
            beside those of ``out``, and sorts pairs by how far the two disagree.
        model: explains the opened pairs, in place of the run's own model: a name as `load` takes it, a
            `ClipModel`, or an `Explainer`, which then decides the method and its options too.
        source: contains the pictures, if they have moved since the run; as `explain_dataset` takes it. By
            default the files that the run read, or its source opened again.
        **traits: initial values of the gallery's traits, such as ``sort="score"``; `Gallery` describes them.

    Raises:
        FileNotFoundError: a folder does not exist, or has no run in it.
        ValueError: a run is damaged, was written by a newer version, or has no complete part yet; or the runs
            share no pair.
        ImportError: the extra ``dataset`` is not installed.
        TypeError, TraitError: there is no such trait, or it cannot have that value.
    """
    for name, folder in (("out", out), ("other", other)):
        if not isinstance(folder, str | PathLike) and not (name == "other" and folder is None):
            raise TypeError(f"{name}={folder!r:.80} is not the folder of a run")
    run = open_run(out)
    comparison = None if other is None else Comparison.of(run, open_run(other))
    gallery = Gallery(run, comparison, Details(run.record, model, source))
    with closed_on_error(gallery):
        return gallery.filter(**traits)


class Gallery(OwnLayout, ipywidgets.VBox, GalleryTraits):  # type: ignore[misc] # ipywidgets has no types
    """Shows the pairs of a dataset run. `browse` makes one.

    Attributes:
        sort: what pairs are sorted by: ``"position"`` in the source, ``"score"``, ``"concentration"``;
            ``"energy"`` if pairs have boxes; ``"disagreement"`` if two runs are compared.
        descending: whether the largest values come first.
        text: part of the caption, upper and lower case alike.
        word: one word of the caption, or several.
        word_role: the role of each of them: ``"any"``; ``"counts"``, 15 % of the largest importance in its
            caption or more; ``"ignored"``, 5 % of it or less.
        score_range: (lowest, highest) score, or ``None`` for all pairs.
        heat: whether maps are painted on the thumbnails.
        side: whose maps are painted if two runs are compared: ``"both"``, ``"this"`` or ``"other"``.
        selected: id of the open pair; setting it opens a pair, ``None`` closes it.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
    """

    def __init__(self, run: DatasetRun, comparison: Comparison | None, details: Details) -> None:
        """Show a run.

        Args:
            run: the run.
            comparison: with another run, if any.
            details: explains pairs.
        """
        # Set first: if a step below fails, ipywidgets still calls `close`, which uses these.
        self._comparing, self._explaining = Worker(Traits.changed), Worker(Traits.changed)
        self._run, self._comparison, self._details = run, comparison, details
        self._compared = False  # whether the disagreement of every row is known
        self._answers: Answers | None = None  # to views; `None` after `close`
        # Read before any widget is made, which would stay open if that failed.
        reader, account = run.reader(TILE_COLUMNS), run.account
        self._sorts = (POSITION, *run.table.measures(), *((DISAGREEMENT,) if comparison else ()))
        self._query, self._generation = Query(), 0
        self._order: Rows = run.table.order(self._query)
        self._grid = GalleryGrid(
            about={
                "label": run.label,
                "other": comparison.label if comparison else None,
                "total": run.table.total,
                "sorts": list(self._sorts),
                "importances": bool(run.record["importances"]),
            },
            account={
                "failed": run.failed,
                "left_out": account.omissions,
                "lines": account.lines,
            },
        )
        self._answers = Answers(run, comparison, reader, self._grid.send)
        super().__init__([self._grid])
        self._show_order()
        for name in SHARED:
            t.link((self, name), (self._grid, name))
        self.observe(self._follow_query, _QUERY)
        self.observe(self._select, "selected")
        self._grid.on_msg(self._receive)

    @property
    def rows(self) -> pd.DataFrame:
        """The filtered and sorted rows as a pandas table, without maps and thumbnails."""
        self.wait()
        return self._run.table.frame(self._order, _FRAME, disagreements=self._compared)

    @property
    def errors(self) -> pd.DataFrame:
        """The pairs that could not be explained, and the reasons, as a pandas table."""
        return self._run.errors

    @property
    def detail(self) -> ExplanationWidget | None:
        """The full widget of the open pair."""
        return self.children[1] if len(self.children) > 1 else None

    def filter(self, **traits: Any) -> Gallery:
        """Set several traits at once, all of them or none, and return the gallery.

        Raises:
            TypeError: there is no such trait.
            TraitError: a trait cannot have that value; the message names it.
        """
        if unknown := sorted(set(traits) - set(SHARED)):
            raise TypeError(f"filter(): no {unknown[0]!r}; there are {', '.join(SHARED)}")
        with self.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self, name, value)
        return self

    def wait(self, timeout: float | None = None) -> None:
        """Block until no comparison and no explanation is being computed.

        Raises:
            TimeoutError: that takes longer than ``timeout`` seconds.
        """
        for worker in (self._comparing, self._explaining):
            worker.wait(timeout)

    def close(self) -> None:
        """Close the views, stop all computations, and free what was read of the runs."""
        for worker in (self._comparing, self._explaining):
            worker.close()
        for child in self.children:
            child.close()
        super().close()
        if self._answers is not None:
            self.unobserve(self._follow_query, _QUERY)
            self.unobserve(self._select, "selected")
        # A notebook may keep the gallery as a cell's output. `rows` opens the run again.
        self._run, self._compared = replace(self._run), False
        self._comparison = self._answers = None

    def __repr__(self) -> str:
        count, total = len(self._order), self._grid.about["total"]
        return f"{type(self).__name__}({self._run.label}: {count:,} of {total:,} pairs)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, and a picture of the first pairs for hosts that cannot show it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None or self._answers is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return data | beside_live(self, self._static(self._answers)), metadata

    def _repr_html_(self) -> str | None:
        """Return a picture of the first pairs, for tools such as sphinx-gallery."""
        return None if self._answers is None else self._static(self._answers).get("text/html")

    def _static(self, answers: Answers) -> dict[str, str]:
        """Return a picture of the first pairs and text, by MIME type."""
        if fallback_kind() == PAGE:
            self.wait()  # for the order; the picture is not drawn again
        rows = self._order[:MAX_PAIRS]
        first = answers.reader.take(rows) if len(rows) else None
        return gallery_output(repr(self), first, self.model_id)

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
        if role != "any" and not self._run.record["importances"]:
            raise t.TraitError(
                f"word_role={role!r}: this run has no importances of words (importances=False)"
            )
        return role

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> str | None:
        name: str | None = proposal["value"]
        if name is not None and self._run.table.row_of(name) is None:
            raise t.TraitError(f"selected={name!r}: no explained pair has that id")
        return name

    def _follow_query(self, change: Any) -> None:
        """Apply the traits' query, after the other run has been compared if the query sorts by that."""
        query = Query.of(self)
        if query == self._query:
            return
        self._query = query
        self._comparing.cancel()
        self._grid.progress = None
        if self._comparison and query.sort == DISAGREEMENT and not self._compared:
            self._grid.progress = {"done": 0, "total": self._run.table.total}
            self._comparing.submit(partial(self._compare, self._comparison))
        else:
            self._reorder()

    def _compare(self, comparison: Comparison, check: Check) -> None:
        """Compute the disagreement of all rows, and sort by it."""
        total = self._run.table.total

        def report(done: int) -> None:
            check()
            with Traits.changed:
                check()
                self._grid.progress = {"done": done, "total": total}

        try:
            disagreements = comparison.disagreements(report)
        except (OSError, ValueError) as error:
            with Traits.changed:
                check()
                self._grid.error = describe_error(error)
                self._grid.progress = None
            return
        with Traits.changed:
            check()
            self._run.table.set_disagreements(disagreements)
            self._compared, self._grid.progress = True, None
            self._reorder()

    def _reorder(self) -> None:
        self._order = self._run.table.order(self._query)
        self._show_order()

    def _show_order(self) -> None:
        self._generation += 1
        with self._grid.hold_sync():
            self._grid.error = ""
            self._grid.histogram = self._run.table.histogram(self._query)
            self._grid.order = {"generation": self._generation, "count": len(self._order)}
            if self._grid.opened is not None:
                index = self._index(self._run.table.row_of(self._grid.opened["id"]))
                self._grid.opened = self._grid.opened | {"index": index}

    # The open pair

    def _select(self, change: Any) -> None:
        """Explain the selected pair, in place of the one before."""
        self._explaining.cancel()
        self._show_detail(None)
        row = None if self.selected is None else self._run.table.row_of(self.selected)
        if row is None or self._answers is None:
            self._grid.opened = None
            return
        self._grid.opened = {
            "id": self.selected,
            "index": self._index(row),
            "status": "loading",
            "sentence": "",
        }
        self._explaining.submit(partial(self._explain, self._answers.reader, row))

    def _explain(self, reader: RowReader, row: int, check: Check) -> None:
        """Explain a pair in full and show it; if that fails, show the reason."""
        try:
            table = reader.take(np.array([row]))
            (pair,) = table.select(["caption", "image", "picture", "position"]).to_pylist()
            widget, status = self._details.explain(pair), "ready"
            sentence = self._details.note()
        except Exception as error:  # noqa: BLE001 - any error of a model or source is shown
            widget, status, sentence = None, "failed", describe_error(error)
        with Traits.changed:
            try:
                check()
            except BaseException:
                if widget is not None:
                    widget.close()
                raise
            self._show_detail(widget)
            self._grid.opened = {
                **(self._grid.opened or {}),
                "status": status,
                "sentence": sentence,
            }

    def _show_detail(self, widget: ExplanationWidget | None) -> None:
        before = self.detail
        self.children = (self._grid,) if widget is None else (self._grid, widget)
        if before is not None:
            before.close()

    def _index(self, row: int | None) -> int | None:
        """Return the index of a row in the order; ``None`` if the filters exclude it."""
        indices = np.flatnonzero(self._order == row)
        return int(indices[0]) if len(indices) else None

    # Requests of views

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Answer a view's message."""
        answers = self._answers
        if answers is None:
            return
        handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "rows": lambda request: answers.rows(request, self._order, self._generation),
            "pair": answers.pair,
            "errors": answers.errors,
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
        """Open the pair before or after the open one."""
        table = self._run.table
        index = None if self.selected is None else self._index(table.row_of(self.selected))
        step = -1 if index is None else index + int(content["by"])
        if 0 <= step < len(self._order):
            self.selected = table.id_of(int(self._order[step]))
