"""Pairs from CSV, TSV and JSON Lines files, read line by line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ..pairs import FailedPair, Pair
from .base import BlockSource
from .columns import Options, find_columns, text_of
from .fingerprint import of_files
from .rows import Row, captions_in, image_of, is_missing, is_unicode, pairs_of

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".jsonl")
_BLOCK = 512  # rows between two places in the file whose bytes are remembered
_LOOKED_AT = 100  # rows of a JSON Lines file whose keys are its columns
_BOM = b"\xef\xbb\xbf"


class _Lines(Iterator[str]):
    """The lines of a file from a byte on; it knows at which byte the next one begins."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self.file, self.offset = file, offset
        file.seek(offset)

    def __next__(self) -> str:
        line = self.file.readline()
        if not line:
            raise StopIteration
        self.offset += len(line)
        # Bytes that are not UTF-8 are kept as such: a row with them fails, and the others do not.
        return line.decode("utf-8", "surrogateescape")


class TextTable(BlockSource):
    """Rows of a CSV, TSV or JSON Lines file. Nothing of it is kept but where every 512th row begins."""

    kind = "table"

    def __init__(self, path: Path, images: Path, options: Options) -> None:
        """Find the columns.

        Args:
            path: of the table.
            images: the folder that its paths are relative to.
            options: columns that the user names.

        Raises:
            ValueError: it cannot be read, or has no rows or no such columns.
        """
        self.path, self.images = str(path), str(images)
        self.separator = SEPARATORS.get(path.suffix.lower())
        self._offsets: list[int] = []
        self._counts: list[int] = []
        try:
            header, self.start = self._header()
        except (OSError, ValueError, csv.Error) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"the table of captions {self.path!r} cannot be read: {reason}"
            ) from error
        self.width = len(header)
        self.columns = find_columns(header, options, repr(self.path))
        self.where = {name: header.index(name) for name in self.columns.names}
        if next(self._records(self.start), None) is None:
            raise ValueError(f"the table of captions {self.path!r} has no rows")

    def blocks(self) -> int:
        """Return how many blocks of 512 rows there are; the first call goes through the file."""
        if not self._offsets:
            self._index()
        return len(self._offsets)

    def pairs_in(self, block: int) -> int:
        """Return how many pairs a block of rows has."""
        self.blocks()
        return self._counts[block]

    def block_pairs(self, block: int, first: int, skip: int) -> Iterator[Pair | FailedPair]:
        """Yield the pairs of a block of rows."""
        records = islice(self._records(self._offsets[block]), _BLOCK)
        position, wanted = first, first + skip
        for number, (_, record) in enumerate(records, block * _BLOCK):
            captions = captions_in(self._cell(record, self.columns.caption))
            if position + captions > wanted:
                row = pairs_of(self._row(number, record), position)
                yield from row[max(wanted - position, 0) :]
            position += captions

    def description(self) -> dict[str, Any]:
        """Return path, columns, number of pairs, and a fingerprint of the file's size and time."""
        options = {"images": self.images, **self.columns.options}
        return {
            "kind": self.kind,
            "source": self.path,
            "options": options,
            "pairs": self.count(),
            "fingerprint": of_files([self.path]),
        }

    def _index(self) -> None:
        for number, (offset, record) in enumerate(self._records(self.start)):
            if number % _BLOCK == 0:
                self._offsets.append(offset)
                self._counts.append(0)
            self._counts[-1] += captions_in(self._cell(record, self.columns.caption))

    def _header(self) -> tuple[list[str], int]:
        """Return the columns, and at which byte the rows begin."""
        with Path(self.path).open("rb") as file:
            begin = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
            lines = _Lines(file, begin)
            if self.separator is None:
                keys: dict[str, None] = {}
                for _, record in islice(self._records(begin), _LOOKED_AT):
                    keys |= dict.fromkeys(record if isinstance(record, dict) else ())
                if not keys:
                    problem = next((r for _, r in self._records(begin)), "it is empty")
                    raise ValueError(problem)
                return list(keys), begin
            for cells in csv.reader(lines, delimiter=self.separator):
                if cells:
                    if not is_unicode("".join(cells)):
                        raise ValueError("it is not UTF-8; save it as UTF-8")
                    return cells, lines.offset
            raise ValueError("it is empty")

    def _records(self, offset: int) -> Iterator[tuple[int, dict[str, Any] | list[str] | str]]:
        """Yield where each row begins, and its cells, or a sentence on why it has none."""
        with Path(self.path).open("rb") as file:
            lines = _Lines(file, offset)
            while True:
                begin = lines.offset
                try:
                    record = self._record(lines)
                except StopIteration:
                    return
                except (ValueError, csv.Error, RecursionError) as error:
                    yield begin, f"its line cannot be read: {error}"
                else:
                    if record:
                        yield begin, record

    def _record(self, lines: _Lines) -> dict[str, Any] | list[str] | str:
        """Return the next row; empty where its line is."""
        if self.separator is not None:
            cells = next(csv.reader(lines, delimiter=self.separator)) or [""]
            if any(cells[self.width :]):
                return (
                    f"it has {len(cells)} cells, but the table {self.width} columns; put quotation marks "
                    "around a caption with commas"
                )
            return cells if len(cells) > 1 or cells[0].strip() else []
        line = next(lines).strip()
        record = json.loads(line) if line else ""
        if line and not isinstance(record, dict):
            return f"its line is no JSON object: {text_of(line)}"
        return record

    def _cell(self, record: dict[str, Any] | list[str] | str, name: str | None) -> Any:
        if name is None or isinstance(record, str):
            return None
        if isinstance(record, dict):
            return record.get(name)
        place = self.where[name]
        return record[place] if place < len(record) else None

    def _row(self, number: int, record: dict[str, Any] | list[str] | str) -> Row:
        image, caption, key, box = (
            self._cell(record, name)
            for name in (
                self.columns.image,
                self.columns.caption,
                self.columns.id,
                self.columns.box,
            )
        )
        found, place = image_of(image, self.images, f"{self.path}#{number}")
        problem = record if isinstance(record, str) else ""
        if not problem and not isinstance(image, str | None):
            problem = f"its picture is not a path but {type(image).__name__}: {text_of(image)}"
        name = str(number) if is_missing(key) else str(key)
        return Row(name, found, place, caption, box, problem)
