"""The folder of a run: what it was made with, its parts, and which of them are done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..export.files import make_folder, replacing
from .pairs import FailedPair
from .schema import ERRORS, FORMAT, PAIRS, ROW_GROUP, RUN, errors_schema, pairs_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from .explain_batch import Row

Record = dict[str, Any]
_NOT_COMPARED = ("batch_size", "complete")  # what a run may be continued with another value of
_LEFTOVER = ".gradeclip-*"  # of a process that was killed while it wrote


def read_record(out: str | PathLike[str]) -> Record:
    """Return what a run was made with.

    Raises:
        FileNotFoundError: there is no such folder, or no run in it.
        ValueError: the run is damaged, or was written by a newer version of this package.
    """
    path = Path(out) / RUN
    if not path.is_file():
        there = "holds no run" if Path(out).is_dir() else "does not exist"
        raise FileNotFoundError(
            f"the folder {str(out)!r} {there}; gw.explain_dataset(source, {str(out)!r}) makes one"
        )
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        newer = int(record["format"]) > FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}); start the run again") from error
    if newer:
        raise ValueError(
            f"{str(out)!r} was written in format {record['format']} by a newer gradeclip-widget; this one "
            f"reads up to {FORMAT}: pip install --upgrade gradeclip-widget"
        )
    return record


def pairs_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of a run's explained pairs, in the order of the source."""
    return sorted((Path(out) / PAIRS).glob("part-*.parquet"))


@dataclass(frozen=True)
class RunFolder:
    """The folder that a run writes to. A part is done if, and only if, its file of pairs is there.

    Attributes:
        path: the folder.
        rows_per_part: consecutive positions of the source in each part.
        patches: in every map; ``None`` where maps differ in size.
    """

    path: Path
    rows_per_part: int
    patches: int | None

    @classmethod
    def open(cls, out: str | Path, record: Record, patches: int | None, resume: bool) -> RunFolder:
        """Make a run's folder, or open that of the same run to go on with it.

        Args:
            out: the folder.
            record: what the run is made with.
            patches: in every map.
            resume: whether to go on where an earlier run of the same record ended.

        Raises:
            ValueError: the folder holds a run made with something else, one that is not to be gone on with,
                or other files.
            OSError: it cannot be made or written to.
        """
        path = Path(out)
        if path.exists() and not path.is_dir():
            raise ValueError(f"out={str(out)!r} is a file; give a folder")
        if (path / RUN).exists():
            if not resume:
                raise ValueError(
                    f"{str(out)!r} holds a run already; resume=True goes on with it, or give another folder"
                )
            _check_same(out, read_record(path), record)
        elif path.is_dir() and any(path.iterdir()):
            raise ValueError(f"{str(out)!r} holds other files and no run; give a folder of its own")
        folder = cls(path, record["rows_per_part"], patches)
        for name in (PAIRS, ERRORS):
            make_folder(path / name)
            for leftover in (path / name).glob(_LEFTOVER):
                leftover.unlink(missing_ok=True)
        if not (path / RUN).exists():
            folder.write_record(record)
        return folder

    def write_record(self, record: Record) -> None:
        """Write what the run is made with."""
        text = json.dumps(record, indent=2, ensure_ascii=False)
        with replacing(self.path / RUN) as beside:
            beside.write_text(text + "\n", encoding="utf-8")

    def done(self) -> set[int]:
        """Return the numbers of the parts that are done."""
        return {int(path.stem.removeprefix("part-")) for path in pairs_files(self.path)}

    def pending(self, count: int | None) -> Iterator[tuple[int, int | None]]:
        """Yield the ranges of positions that are still to do, as (start, stop).

        Args:
            count: pairs of the source. Where it is ``None``, the last range has no end.
        """
        size, done = self.rows_per_part, self.done()
        parts = -(-count // size) if count is not None else max(done, default=-1) + 1
        start: int | None = None
        for number in range(parts):
            if number in done and start is not None:
                yield start, number * size
                start = None
            elif number not in done and start is None:
                start = number * size
        if count is None:
            yield parts * size if start is None else start, None
        elif start is not None:
            yield start, count

    def write_part(self, number: int, rows: Sequence[Row], failed: Sequence[FailedPair]) -> None:
        """Write a part whole: its errors first, then its pairs, which say that it is done.

        Raises:
            OSError: it cannot be written, as on a full disk; what was written before stays whole.
        """
        name = f"part-{number:06d}.parquet"
        errors = [asdict(pair) | {"image": pair.place} for pair in failed]
        _write(self.path / ERRORS / name, errors, errors_schema())
        _write(self.path / PAIRS / name, rows, pairs_schema(self.patches))

    def counts(self) -> tuple[int, int]:
        """Return how many pairs were explained and how many failed."""
        import pyarrow.parquet as pq

        explained, failed = (
            sum(
                pq.read_metadata(path).num_rows
                for path in (self.path / name).glob("part-*.parquet")
            )
            for name in (PAIRS, ERRORS)
        )
        return explained, failed

    def foreign(self) -> int:
        """Return how many pairs have a picture that is foreign to the model."""
        import pyarrow.parquet as pq

        tables = (pq.read_table(path, columns=["foreign"]) for path in pairs_files(self.path))
        return sum(table["foreign"].to_pylist().count(True) for table in tables)


def _write(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[name] for row in rows] for name in schema.names}
    table = pa.table(columns, schema=schema)
    with replacing(path) as beside:
        pq.write_table(table, beside, compression="zstd", row_group_size=ROW_GROUP)


def _check_same(out: str | Path, there: Record, wanted: Record) -> None:
    """Raise ``ValueError`` if a folder's run was made with something else."""
    names = [name for name in {**there, **wanted} if name not in _NOT_COMPARED]
    wanted = json.loads(json.dumps(wanted))  # as it would be read again
    other = [name for name in names if there.get(name) != wanted.get(name)]
    if other:
        differences = "; ".join(_difference(n, there.get(n), wanted.get(n)) for n in other)
        raise ValueError(
            f"{str(out)!r} holds another run, and runs are never mixed ({differences}); give another folder"
        )


def _difference(name: str, there: Any, wanted: Any) -> str:
    """Return in words how a value differs; of dictionaries, where."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        keys = [key for key in {**there, **wanted} if there.get(key) != wanted.get(key)]
        return "; ".join(_difference(f"{name}.{k}", there.get(k), wanted.get(k)) for k in keys)
    return f"{name} is {there!r:.80} there and {wanted!r:.80} here"
