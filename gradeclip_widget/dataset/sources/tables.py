"""Base of all tables: their ids, and what they hold."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...images.remote import is_address, join, list_files
from ..pairs import Contents
from .base import BlockSource, fingerprint_files
from .columns import Columns
from .files import is_picture, left_out, walk
from .rows import Row, captions_in, captions_of, ids_of, image_of, is_missing, key_of, parse_list
from .side_by_side import TEXT

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLED_ROWS = 100  # that show whether a column has lists written as text


class Table(BlockSource):
    """Rows with a column of pictures and one of captions.

    Attributes:
        columns: their names.
        images: the folder that paths of pictures are relative to.
        folder: the folder in which or beside which the table was found, whose other files are named in
            `contents`; ``None`` if the user named the table.
        other_tables: names of tables there that have no such columns.
    """

    columns: Columns
    images: str = ""
    folder: str | None = None
    other_tables: Sequence[str] = ()

    @abstractmethod
    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield some columns of every row; an empty mapping for a row that cannot be read."""

    @abstractmethod
    def has_paths(self) -> bool:
        """Return whether the column of pictures contains paths or addresses."""

    def may_repeat(self) -> bool:
        """Return whether ids come from a column."""
        return self.columns.id is not None

    def ids(self) -> Iterator[str]:
        """Yield the ids of all pairs in the data, without reading pictures."""
        assert self.columns.id is not None
        for number, cells in enumerate(self.cells([self.columns.id, self.columns.caption])):
            yield from ids_of(key_of(cells, self.columns, number), self.captions(cells))

    def captions(self, cells: Mapping[str, Any]) -> Any:
        """Return the caption or captions of a row."""
        return captions_of(cells.get(self.columns.caption))

    def contents(self) -> Contents:
        """Return the numbers of pictures and captions, and of the files in the folder that have no row."""
        image, caption = self.columns.image, self.columns.caption
        paths: set[str] = set()
        rows = captions = 0
        with_paths = self.has_paths()
        for cells in self.cells([image, caption] if with_paths else [caption]):
            rows += 1
            if with_paths and not is_missing(value := cells.get(image)):
                paths.add(os.path.normpath(image_of(value, self.images, "")[1]))
            value = self.captions(cells)
            captions += 0 if is_missing(value) else captions_in(value)
        left = left_out() if self.folder is None else self._left_out(paths)
        return Contents(len(paths) if with_paths else rows, captions, left)

    def _left_out(self, paths: set[str]) -> Any:
        assert self.folder is not None
        folder = self.folder
        names = set(list_files(folder) if is_address(folder) else walk(folder))
        pictures = {name for name in names if is_picture(name)}
        unnamed = {n for n in pictures if os.path.normpath(join(folder, n)) not in paths}
        here = {os.path.relpath(path, folder) for path in self.files()}
        tables, texts = set(self.other_tables), {name for name in names if name.endswith(TEXT)}
        return left_out(
            ("pictures that no row of the table names", unnamed),
            ("tables without the columns of pictures and captions", tables),
            ("texts: the table has the captions", texts),
            ("files of other kinds", names - pictures - here - tables - texts),
        )

    @abstractmethod
    def files(self) -> Iterable[str]:
        """Return the paths of the table's files."""


def lists_as_text(captions: Iterable[Any]) -> bool:
    """Return whether the first captions of a column show that its cells are lists written as text."""
    return any(isinstance(one, str) and parse_list(one) is not None for one in captions)


class ArrowTable(Table):
    """A table whose columns have Arrow's types. Its captions are not read to be counted, if they are texts.

    Attributes:
        types: of the columns.
        lists: whether rows have several captions.
    """

    types: pa.Schema
    lists: bool = False

    def has_paths(self) -> bool:
        """Return whether the column of pictures contains texts."""
        import pyarrow.types as t

        kind = self.types.field(self.columns.image).type
        kind = kind.value_type if t.is_dictionary(kind) else kind
        return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))

    def captions(self, cells: Mapping[str, Any]) -> Any:
        """Return the caption or captions of a row."""
        return super().captions(cells) if self.lists else cells.get(self.columns.caption)

    def pairs_of_rows(self, captions: pa.Array) -> int:
        """Return the number of pairs of rows with these captions."""
        return sum(map(captions_in, captions.to_pylist())) if self.lists else len(captions)

    def row(self, cells: Mapping[str, Any], number: int, place: str) -> Row:
        """Return a row. A list written as text is an error in a column whose first cells are none."""
        problem = ""
        caption = cells.get(self.columns.caption)
        if not self.lists and isinstance(captions_of(caption), list):
            problem = (
                f"its caption {caption!r:.80} is a list written as text, but those of the first "
                f"{_SAMPLED_ROWS} rows are none; make all of them lists"
            )
            cells = {**cells, self.columns.caption: ""}
        return Row.of(cells, self.columns, number, place, self.images, problem)


class TextFile(Table):
    """A table in one file of text, which cannot contain pictures.

    Attributes:
        path: of the file, or its address.
    """

    path: str

    def has_paths(self) -> bool:
        """Return ``True``."""
        return True

    def files(self) -> list[str]:
        """Return the path of the file."""
        return [self.path]

    def description(self) -> dict[str, Any]:
        """Return path, columns, number of pairs, and a fingerprint of the file's size and time."""
        return {
            "kind": self.kind,
            "source": self.path,
            "options": {"images": self.images, **self.columns.options},
            "pairs": self.count(),
            "fingerprint": fingerprint_files([self.path]),
        }
