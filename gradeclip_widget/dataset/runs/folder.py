"""The folder of a run while it is written: its parts, and which of them are complete."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...export.files import make_folder, replacing
from ..pairs import FailedPair
from .record import Record, check_same_run, read_record
from .schema import ERRORS, PAIRS, ROW_GROUP, RUN, errors_schema, pairs_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from ..explain_batch import Row

_LEFTOVER = ".gradeclip-*"  # temporary files of a process that was killed while it wrote


def pairs_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of a run's explained pairs, in the order of the source."""
    return sorted((Path(out) / PAIRS).glob("part-*.parquet"))


def errors_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of a run's failed pairs, in the order of the source."""
    return sorted((Path(out) / ERRORS).glob("part-*.parquet"))


def rows_of_files(files: Iterable[Path]) -> list[int]:
    """Return the number of rows of each Parquet file."""
    import pyarrow.parquet as pq

    return [pq.read_metadata(file).num_rows for file in files]


@dataclass(frozen=True)
class RunFolder:
    """The folder that a run is written to. A part is complete when its file of pairs exists.

    Attributes:
        path: the folder.
        rows_per_part: consecutive positions of the source in each part.
        patches: number of patches of every map; ``None`` if maps differ in size.
    """

    path: Path
    rows_per_part: int
    patches: int | None

    @classmethod
    def open(cls, out: str | Path, record: Record, patches: int | None, resume: bool) -> RunFolder:
        """Create the folder of a run, or open it again to continue the same run.

        Args:
            out: the folder.
            record: the record of the run.
            patches: number of patches of every map; ``None`` if maps differ in size.
            resume: whether to continue a run with the same record.

        Raises:
            ValueError: the folder has a run with another record in it, any run if ``resume`` is false, or
                other files.
            OSError: the folder cannot be created or written to.
        """
        path = Path(out).expanduser()
        if path.exists() and not path.is_dir():
            raise ValueError(f"out={str(out)!r} is a file; give a folder")
        if (path / RUN).exists():
            if not resume:
                raise ValueError(
                    f"{str(out)!r} already has a run in it; resume=True continues it, or give another folder"
                )
            check_same_run(out, read_record(path), record)
        elif path.is_dir() and any(path.iterdir()):
            raise ValueError(f"{str(out)!r} has other files in it and no run; give an empty folder")
        folder = cls(path, record["rows_per_part"], patches)
        for name in (PAIRS, ERRORS):
            make_folder(path / name)
            for leftover in (path / name).glob(_LEFTOVER):
                leftover.unlink(missing_ok=True)
        if not (path / RUN).exists():
            folder.write_record(record)
        return folder

    def write_record(self, record: Record) -> None:
        """Write the record of the run."""
        text = json.dumps(record, indent=2, ensure_ascii=False)
        with replacing(self.path / RUN) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def complete_parts(self) -> set[int]:
        """Return the numbers of the parts that are complete."""
        return {int(path.stem.removeprefix("part-")) for path in pairs_files(self.path)}

    def pending(self, count: int | None) -> Iterator[tuple[int, int | None]]:
        """Yield the ranges of positions that are not explained yet, as (start, stop).

        Args:
            count: number of pairs of the source; with ``None`` the last ``stop`` is ``None`` too.
        """
        size, complete = self.rows_per_part, self.complete_parts()
        parts = -(-count // size) if count is not None else max(complete, default=-1) + 1
        start: int | None = None
        for number in range(parts):
            if number in complete and start is not None:
                yield start, number * size
                start = None
            elif number not in complete and start is None:
                start = number * size
        if count is None:
            yield parts * size if start is None else start, None
        elif start is not None:
            yield start, count

    def write_part(self, number: int, rows: Sequence[Row], failed: Sequence[FailedPair]) -> None:
        """Write a part: its errors first, then its pairs, whose file marks the part as complete.

        Raises:
            OSError: a file cannot be written, as on a full disk; earlier parts are not changed.
        """
        name = f"part-{number:06d}.parquet"
        errors = [asdict(pair) | {"image": pair.place} for pair in failed]
        _write(self.path / ERRORS / name, errors, errors_schema())
        _write(self.path / PAIRS / name, rows, pairs_schema(self.patches))

    def count(self) -> int:
        """Return the number of pairs in complete parts, failed ones included."""
        return sum(rows_of_files([*pairs_files(self.path), *errors_files(self.path)]))


def _write(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[name] for row in rows] for name in schema.names}
    table = pa.table(columns, schema=schema)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP)
