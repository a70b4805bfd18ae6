"""The folder of a run while it is written: its parts, and which of them are complete."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import UnreadableFileError, reading
from ...export.files import make_folder, replacing
from ..pairs import FailedPair
from .record import Record, check_same_run, read_record
from .schema import BEFORE, ERRORS, PAIRS, ROW_GROUP, RUN, errors_schema, pairs_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..explain_batch import Row

_LEFTOVER = ".gradeclip-*"  # temporary files of a process that was killed while it wrote
_LOCK = ".lock"
_MOST_ROWS, _MOST_BYTES = 65_536, 2**28  # of a group of rows; the runs written here have 256
_PART = re.compile(r"part-(\d{6,})\.parquet")


def pairs_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of a run's explained pairs, in the order of the source."""
    return _parts(Path(out) / PAIRS)


def errors_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of a run's failed pairs, in the order of the source; those of complete parts."""
    complete = {path.name for path in pairs_files(out)}
    return [path for path in _parts(Path(out) / ERRORS) if path.name in complete]


def before_files(out: str | PathLike[str]) -> list[Path]:
    """Return the files of rows of earlier starts that are not in the parts."""
    return sorted((Path(out) / BEFORE).glob("rows-*.parquet"))


@contextlib.contextmanager
def reading_part(path: Path) -> Iterator[None]:
    """Raise `UnreadableFileError` in place of any error that a damaged or removed Parquet file causes."""
    advice = "delete it and start gw.explain_dataset(...) again, which makes it again"
    try:
        with reading(path, "a table of a run", advice):
            yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UnreadableFileError(path, f"is not there any more, or no file; {advice}") from error


def rows_of_files(files: Iterable[Path], schema: pa.Schema) -> list[int]:
    """Return the number of rows of each Parquet file.

    Raises:
        UnreadableFileError: a file is damaged, or its columns are not those of the schema; the lists in them
            may have another length.
    """
    import pyarrow.parquet as pq

    counts, columns = list[int](), _columns_of(schema)
    for file in files:
        with reading_part(file), pq.ParquetFile(file) as opened:
            if (stored := _columns_of(opened.schema_arrow)) != columns:
                odd = min(set(stored.items()) ^ set(columns.items()))
                raise ValueError(f"the column {odd[0]!r:.60} is missing, new or of another type")
            for group in map(opened.metadata.row_group, range(opened.metadata.num_row_groups)):
                if group.num_rows > _MOST_ROWS or group.total_byte_size > _MOST_BYTES:
                    raise ValueError(
                        f"it claims {group.num_rows:,} rows in {group.total_byte_size:,} bytes"
                    )
            counts.append(opened.metadata.num_rows)
    return counts


def _columns_of(schema: pa.Schema) -> dict[str, str]:
    """Return the type of each column, and of the values of lists, as text."""
    return {
        field.name: f"list of {field.type.value_type}"
        if hasattr(field.type, "value_type")
        else str(field.type)
        for field in schema
    }


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return columns of a Parquet file, or all.

    Raises:
        UnreadableFileError: the file is damaged.
    """
    import pyarrow.parquet as pq

    with reading_part(path):
        return pq.ParquetFile(path).read(columns=None if columns is None else list(columns))


def _parts(folder: Path) -> list[Path]:
    """Return the files of parts in a folder, and no others that someone put there."""
    return sorted(path for path in folder.glob("part-*.parquet") if _PART.fullmatch(path.name))


def frame_of(files: Sequence[Path], schema: pa.Schema) -> pd.DataFrame:
    """Return the rows of Parquet files as a pandas table; `rows_of_files` gives the errors."""
    import pyarrow as pa

    if not files:
        return schema.empty_table().to_pandas()
    rows_of_files(files, schema)
    return pa.concat_tables([read_part(file) for file in files]).to_pandas()


@dataclass(frozen=True)
class RunFolder:
    """The folder that a run is written to. A part is complete when its file of pairs exists.

    Rows of earlier starts that belong to no part of the present source, or to parts that are made again, are
    in ``before/``.

    Attributes:
        path: the folder.
        rows_per_part: consecutive positions of the source in each part.
        patches: number of patches of every map; ``None`` if maps differ in size.
    """

    path: Path
    rows_per_part: int
    patches: int | None

    @classmethod
    @contextlib.contextmanager
    def locked(
        cls, out: str | Path, record: Record, patches: int | None, resume: bool
    ) -> Iterator[RunFolder]:
        """Create the folder of a run, or open it again to continue the run; no other program can meanwhile.

        The lock ends with the program, even if that is killed.

        Args:
            out: the folder.
            record: the record of the run.
            patches: number of patches of every map; ``None`` if maps differ in size.
            resume: whether to continue a run with the same settings.

        Raises:
            ValueError: the folder has a run with other settings in it, any run if ``resume`` is false, or
                other files.
            BlockingIOError: another program is writing to the folder.
            OSError: the folder cannot be created or written to.
        """
        from filelock import FileLock, Timeout

        path = Path(out).expanduser()
        if path.exists() and not path.is_dir():
            raise ValueError(f"out={str(out)!r} is a file; give a folder")
        if not (path / RUN).exists() and path.is_dir():
            names = {one.name for one in path.iterdir()} - {_LOCK, ERRORS, BEFORE}
            if not pairs_files(path):
                names.discard(PAIRS)
            if any(not name.startswith(_LEFTOVER[:-1]) for name in names):
                raise ValueError(
                    f"{str(out)!r} has other files in it and no run ({min(names)!r}); give an empty folder"
                )
        make_folder(path)
        lock = FileLock(path / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise BlockingIOError(
                f"another program, or another call in this one, is writing to {str(out)!r}; wait until it "
                "has ended, or give another folder"
            ) from error
        try:
            if (path / RUN).exists():
                if not resume:
                    raise ValueError(
                        f"{str(out)!r} already has a run in it; resume=True continues it, or give another "
                        "folder"
                    )
                check_same_run(out, read_record(path), record)
            folder = cls(path, record["rows_per_part"], patches)
            for name in (PAIRS, ERRORS, BEFORE):
                make_folder(path / name)
                for leftover in (path / name).glob(_LEFTOVER):
                    leftover.unlink(missing_ok=True)
            yield folder
        finally:
            lock.release()

    def write_record(self, record: Record) -> None:
        """Write the record of the run."""
        text = json.dumps(record, indent=2, ensure_ascii=False)
        with replacing(self.path / RUN) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def complete_parts(self) -> set[int]:
        """Return the numbers of the parts that are complete."""
        return {number_of(path) for path in pairs_files(self.path)}

    def failures_in(self, number: int) -> int:
        """Return how many pairs of a part failed."""
        path = self.path / ERRORS / _name(number)
        try:
            return sum(rows_of_files([path], errors_schema()))
        except UnreadableFileError:  # missing or damaged: the part is made again
            return 1

    def read_part(self, number: int, columns: Sequence[str]) -> list[dict[str, Any]] | None:
        """Return columns of the rows of a part; ``None`` if its file is damaged."""
        path = self.path / PAIRS / _name(number)
        try:
            rows_of_files([path], pairs_schema(self.patches))
            with reading_part(path):  # texts that are not UTF-8 are noticed here
                rows: list[dict[str, Any]] = read_part(path, columns).to_pylist()
        except UnreadableFileError:
            return None
        return rows

    def set_aside(self, numbers: Iterable[int]) -> None:
        """Move parts to ``before/``, so that their positions are pending."""
        for number in numbers:
            (self.path / PAIRS / _name(number)).replace(self._new_before())

    def keep(self, rows: Sequence[Row]) -> None:
        """Write rows of a part that is not complete to ``before/``, from which the next start takes them.

        A disk on which this fails loses only them.
        """
        if rows:
            with contextlib.suppress(OSError):
                _write(self._new_before(), rows, pairs_schema(self.patches))

    def _new_before(self) -> Path:
        return self.path / BEFORE / f"rows-{secrets.token_hex(8)}.parquet"

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
        name = _name(number)
        errors = [asdict(pair) | {"image": pair.place} for pair in failed]
        _write(self.path / ERRORS / name, errors, errors_schema())
        _write(self.path / PAIRS / name, rows, pairs_schema(self.patches))

    def count(self) -> int:
        """Return the number of pairs in complete parts, failed ones included."""
        pairs = rows_of_files(pairs_files(self.path), pairs_schema(self.patches))
        return sum([*pairs, *rows_of_files(errors_files(self.path), errors_schema())])


def number_of(path: Path) -> int:
    """Return the number of a part from its file."""
    match = _PART.fullmatch(path.name)
    assert match is not None
    return int(match[1])


def _name(number: int) -> str:
    return f"part-{number:06d}.parquet"


def _write(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[name] for row in rows] for name in schema.names}
    table = pa.table(columns, schema=schema)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP)
