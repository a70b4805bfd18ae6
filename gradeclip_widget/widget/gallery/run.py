"""A run opened for a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .disagreement import NOWHERE
from .failures import Failures
from .reader import MAP_COLUMNS, RowReader
from .table import PairTable
from .tiles import TILE_COLUMNS


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A run's record and its rows.

    Attributes:
        path: the run's folder.
        record: what it was made with.
        table: the light columns of its pairs.
        reader: its rows, for tiles.
        failures: the pairs that failed.
    """

    path: Path
    record: dict[str, Any]
    table: PairTable
    reader: RowReader
    failures: Failures

    @classmethod
    def open(cls, out: str | PathLike[str]) -> OpenRun:
        """Open a run's folder.

        Raises:
            FileNotFoundError: there is no such folder, or no run in it.
            ValueError: the run is damaged, of a newer format, or has nothing to show yet.
            ImportError: the extra ``dataset`` is not installed.
        """
        from ...dataset.folder import pairs_files, read_record
        from ...dataset.run import require_parquet
        from ...dataset.schema import ERRORS

        path = Path(out)
        require_parquet()
        record = read_record(path)
        files = pairs_files(path)
        table = PairTable(files)
        failures = Failures(sorted((path / ERRORS).glob("part-*.parquet")), table.cursor)
        if not table.total and not failures.summary()["count"]:
            raise ValueError(
                f"the run in {str(out)!r} has no pair yet: start gw.explain_dataset(...) again, which goes "
                "on where it was, and open the gallery once a part is done"
            )
        return cls(path, record, table, RowReader(files, table.counts, TILE_COLUMNS), failures)

    @property
    def label(self) -> str:
        """What a reader calls the run: its method and its model."""
        method, model = self.record["method"], self.record["model"]
        return f"{method.get('label') or method['name']} · {model['name']}"


@dataclass(frozen=True, eq=False)
class OtherRun:
    """A run that another one is compared with.

    Attributes:
        label: as of `OpenRun`.
        maps: its maps.
        partners: its row of each pair of the other, `NOWHERE` where it has none.
    """

    label: str
    maps: RowReader
    partners: NDArray[np.int64]

    @classmethod
    def open(cls, out: str | PathLike[str], ours: OpenRun) -> OtherRun:
        """Open a run to compare with.

        Raises:
            FileNotFoundError, ImportError: as `OpenRun.open`.
            ValueError: the same, or the runs share no pair.
        """
        theirs = OpenRun.open(out)
        rows = dict(zip(theirs.table.column("id"), range(theirs.table.total), strict=True))
        partners = np.array(
            [rows.get(name, NOWHERE) for name in ours.table.column("id")], dtype=np.int64
        )
        if ours.table.total and (partners == NOWHERE).all():
            raise ValueError(
                f"other={str(out)!r} has none of the pairs of {str(ours.path)!r}: no id is in both "
                f"({_example(ours)} here, {_example(theirs)} there); explain the same source for both"
            )
        from ...dataset.folder import pairs_files

        label = theirs.label
        if label == ours.label:
            label = f"{label} ({theirs.path.name})"
        return cls(label, RowReader(pairs_files(out), theirs.table.counts, MAP_COLUMNS), partners)


def _example(run: OpenRun) -> str:
    return repr(str(run.table.column("id")[0]))[:60] if run.table.total else "none"
