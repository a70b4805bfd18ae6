"""Pairs from CSV, TSV and JSON Lines files, read line by line."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ...core.errors import reading
from ...images.remote import local_path
from .columns import Columns, Options, find_columns, text_of
from .files import encoding_of, suffix_of
from .rows import Row, captions_in, is_encodable
from .tables import TextFile

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".jsonl")
_SEPARATORS = (";", "\t", ",", "|")
_BLOCK = 512  # rows between two stored offsets
_SAMPLED_ROWS = 100  # of a JSON Lines file, whose keys are the columns
_BOM = b"\xef\xbb\xbf"

Cells = dict[str, Any]


class TextTable(TextFile):
    """Rows of a CSV, TSV or JSON Lines file. Only the offset of every 512th row stays in memory."""

    kind = "table"

    def __init__(self, path: str, images: str, options: Options) -> None:
        """Find the columns.

        Args:
            path: of the table.
            images: the folder that paths of pictures are relative to.
            options: names of the columns, if they are unusual.

        Raises:
            ValueError: the table cannot be read, or has no rows or no such columns.
        """
        self.path, self.images = path, images
        self.separator = SEPARATORS.get(suffix_of(path.partition("?")[0]))
        self._offsets: list[int] = []
        self._counts: list[int] = []
        self._text: bytes | None = None  # of a file that is not UTF-8, in UTF-8
        with reading(path, "a table of captions", "save it as UTF-8"):
            header, self.start = self._header()
        self.columns = self._find_columns(header, options)
        if twice := [name for name in self.columns.names if header.count(name) > 1]:
            raise ValueError(
                f"{self.path!r} has several columns {twice[0]!r}; name one of them differently"
            )
        self.width = len(self._names)
        self.indices = {name: self._names.index(name) for name in self.columns.names}
        if next(self._records(self.start), None) is None:
            raise ValueError(f"the table of captions {self.path!r} has no rows")

    def blocks(self) -> int:
        """Return the number of blocks of 512 rows; the first call reads the whole file."""
        if not self._offsets:
            for number, (offset, record) in enumerate(self._records(self.start)):
                if number % _BLOCK == 0:
                    self._offsets.append(offset)
                    self._counts.append(0)
                captions = None if isinstance(record, str) else record.get(self.columns.caption)
                self._counts[-1] += captions_in(captions)
        return len(self._offsets)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a block of rows."""
        self.blocks()
        return self._counts[block]

    def block_rows(self, block: int, skip: int) -> Iterator[Row]:
        """Yield the rows of a block."""
        records = islice(self._records(self._offsets[block]), _BLOCK)
        for number, (_, record) in enumerate(records, block * _BLOCK):
            cells, problem = ({}, record) if isinstance(record, str) else (record, "")
            image = cells.get(self.columns.image)
            if not isinstance(image, str | None):
                problem = f"its picture is not a path but {type(image).__name__}: {text_of(image)}"
            place = f"{self.path}#{number}"
            yield Row.of(cells, self.columns, number, place, self.images, problem)

    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the cells of every row."""
        for _, record in self._records(self.start):
            yield {} if isinstance(record, str) else record

    def _find_columns(self, header: list[str], options: Options) -> Columns:
        """Return the columns; if they are found only with another separator, that one is used.

        Raises:
            ValueError: there are no such columns.
        """
        self._names = header
        try:
            return find_columns(header, options, repr(self.path))
        except ValueError:
            usual = self.separator
            for separator in _SEPARATORS if usual else ():
                self.separator = separator
                with contextlib.suppress(ValueError, csv.Error):
                    self._names = self._header()[0]
                    return find_columns(self._names, options, repr(self.path))
            self.separator = usual
            raise

    def _open(self) -> BinaryIO:
        """Return the file, opened; one in UTF-16 or UTF-32 is converted to UTF-8 in memory."""
        if self._text is not None:
            return io.BytesIO(self._text)
        path = Path(local_path(self.path))
        with path.open("rb") as file:
            encoding, _ = encoding_of(file.read(4))
            if encoding.startswith(("utf-16", "utf-32")):
                file.seek(0)
                self._text = file.read().decode(encoding).encode()
                return io.BytesIO(self._text)
        return path.open("rb")

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be pickled: without the text."""
        return super().__getstate__() | {"_text": None}

    def _header(self) -> tuple[list[str], int]:
        """Return the columns, and the offset of the first row."""
        with self._open() as file:
            begin = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
            file.seek(begin)
            if self.separator is None:
                records = [record for _, record in islice(self._records(begin), _SAMPLED_ROWS)]
                keys = dict.fromkeys(k for r in records if isinstance(r, dict) for k in r)
                if not keys:
                    raise ValueError(
                        next((r for r in records if isinstance(r, str)), "it is empty")
                    )
                return list(keys), begin
            for cells in csv.reader(_lines(file), delimiter=self.separator):
                if cells:
                    if not is_encodable("".join(cells)):
                        raise ValueError("it is not UTF-8; save it as UTF-8")
                    return cells, file.tell()
            raise ValueError("it is empty")

    def _records(self, offset: int) -> Iterator[tuple[int, Cells | str]]:
        """Yield the offset of each row, and its cells or the reason why it cannot be read."""
        with self._open() as file:
            file.seek(offset)
            lines = _lines(file)
            while True:
                begin = file.tell()
                try:
                    record = self._record(lines)
                except StopIteration:
                    return
                except (ValueError, csv.Error, RecursionError) as error:
                    yield begin, f"its line cannot be read: {error}"
                    file.seek(
                        begin
                    )  # a quotation mark that is never closed would take all other lines
                    file.readline()
                    lines = _lines(file)
                else:
                    if record is not None:
                        yield begin, record

    def _record(self, lines: Iterator[str]) -> Cells | str | None:
        """Return the cells of the next row, or the reason why it has none; ``None`` for an empty line."""
        if self.separator is None:
            line = next(lines).strip()
            record = json.loads(line) if line else None
            if line and not isinstance(record, dict):
                return f"its line is not a JSON object: {text_of(line)}"
            return record or None
        cells = next(csv.reader(lines, delimiter=self.separator, strict=True))
        if any(cells[self.width :]):
            return (
                f"it has {len(cells)} cells, but the table {self.width} columns; put quotation marks "
                "around a caption with commas"
            )
        if not any(cell.strip() for cell in cells[:1]) and len(cells) < 2:
            return None
        return {name: cells[n] for name, n in self.indices.items() if n < len(cells)}


def _lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file. Bytes that are not UTF-8 become surrogates, so that only their row fails."""
    return (line.decode("utf-8", "surrogateescape") for line in iter(file.readline, b""))
