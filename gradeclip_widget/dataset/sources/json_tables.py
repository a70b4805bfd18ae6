"""Pairs from JSON files: COCO's captions, and tables as lists of rows or as columns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import UnreadableFileError, reading
from ...images.remote import is_address, join, read_file
from ..pairs import Contents, LeftOut
from .columns import Columns, Options, find_columns, text_of
from .files import decode_text, left_out
from .rows import Row, captions_in
from .tables import Table, TextFile
from .text_tables import TextTable

SUFFIX = ".json"
_BLOCK = 512  # rows whose pairs are counted together
_COCO = Columns("file_name", "captions", "id")
_ADDRESSES = ("coco_url", "flickr_url")  # other fields of COCO's images
_PROBLEM = "__problem__"


class JsonTable(TextFile):
    """Rows of a JSON file, all in memory."""

    kind = "json"

    def __init__(
        self, path: str, images: str, columns: Columns, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Store the rows.

        Args:
            path: of the file, or its address.
            images: the folder that paths of pictures are relative to.
            columns: names of the columns.
            rows: cells by column.

        Raises:
            ValueError: there are no rows.
        """
        self.path, self.images, self.columns, self.rows = path, images, columns, rows
        self._counts: list[int] | None = None
        if not rows:
            raise UnreadableFileError(path, "has no rows")

    def blocks(self) -> int:
        """Return the number of blocks of 512 rows."""
        return -(-len(self.rows) // _BLOCK)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a block of rows."""
        if self._counts is None:
            counts = [captions_in(self.captions(cells)) for cells in self.rows]
            self._counts = [sum(counts[n : n + _BLOCK]) for n in range(0, len(counts), _BLOCK)]
        return self._counts[block]

    def block_rows(self, block: int, skip: int) -> Iterator[Row]:
        """Yield the rows of a block."""
        first = block * _BLOCK
        for number, cells in enumerate(self.rows[first : first + _BLOCK], first):
            problem = str(cells.get(_PROBLEM, ""))
            image = cells.get(self.columns.image)
            if not problem and not isinstance(image, str | None):
                problem = f"its picture is not a path but {type(image).__name__}: {text_of(image)}"
            yield Row.of(cells, self.columns, number, f"{self.path}#{number}", self.images, problem)

    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the cells of every row."""
        return iter(self.rows)


class CocoCaptions(JsonTable):
    """Images of a COCO captions file, each with its captions; the id is that of the image."""

    kind = "coco"

    def __init__(self, path: str, images: str | None, content: dict[str, Any], column: str) -> None:
        """Join the captions to their images.

        Args:
            path: of the file, or its address.
            images: the folder of the pictures; ``None`` if it is to be found.
            content: of the file: ``images`` and ``annotations``.
            column: field of the images with the paths or addresses of the pictures.

        Raises:
            ValueError: there are no captions, or the pictures are not found.
        """
        captions: dict[Any, list[Any]] = {}
        for annotation in content["annotations"]:
            if "caption" in annotation:
                captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
        if not captions:
            fields = sorted(
                {key for annotation in content["annotations"][:100] for key in annotation}
            )
            raise UnreadableFileError(
                path,
                f"has {len(content['annotations'])} annotations and no captions (they have "
                f"{', '.join(map(repr, fields))}); give COCO's captions_*.json",
            )
        known = Counter(image["id"] for image in content["images"])
        rows = []
        for image in content["images"]:
            number = image["id"]
            if number not in captions:
                continue
            row = {"id": number, column: image.get(column), "captions": captions[number]}
            if known[number] > 1:
                row[_PROBLEM] = f"{path!r} has {known[number]} images with the id {number!r}"
            elif not row[column] and column == _COCO.image:
                addresses = [field for field in _ADDRESSES if image.get(field)]
                hint = f"; image_column={addresses[0]!r} reads its address" if addresses else ""
                row[_PROBLEM] = f"it has no {column!r}{hint}"
            rows.append(row)
        self._left_out_here = left_out(
            (
                "pictures without a caption",
                (
                    str(image.get(column) or image["id"])
                    for image in content["images"]
                    if image["id"] not in captions
                ),
            )
        )
        lost = {number: texts for number, texts in captions.items() if number not in known}
        self._lost = sum(map(len, lost.values()))
        self._lost_example = str(next(iter(lost.values()))[0]) if lost else ""
        self._pictures = len(known)
        folder = (
            _find_images(path, [str(row[column] or "") for row in rows])
            if images is None
            else images
        )
        super().__init__(path, folder, replace(_COCO, image=column), rows)

    def contents(self) -> Contents:
        """Return the numbers of pictures and captions, and those that have no counterpart."""
        captions = sum(len(row["captions"]) for row in self.rows) + self._lost
        left = self._left_out_here
        if self._lost:
            left += (LeftOut("captions without a picture", self._lost, self._lost_example),)
        return Contents(self._pictures, captions, left)


def open_json(path: str, images: str | None, options: Options) -> Table:
    """Return the pairs of a JSON file.

    Args:
        path: of the file, or its address.
        images: the folder of the pictures; ``None`` for that of the file, or for COCO's usual ones.
        options: names of the columns.

    Raises:
        ValueError: it is not JSON, or has no rows or captions.
        FileNotFoundError: the pictures of a COCO file are not found.
    """
    folder = images or (path.rpartition("/")[0] if is_address(path) else str(Path(path).parent))
    with reading(path, "a JSON file of captions", "give COCO's captions or a list of rows"):
        text = decode_text(read_file(path))
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Extra data"):
                raise
            content = None
    if content is None:  # JSON Lines
        return TextTable(path, folder, options)
    if isinstance(content, dict) and {"images", "annotations"} <= set(content):
        options.allow("COCO's captions", "images", "image_column", "caption_column", "id_column")
        column = options.image_column or _COCO.image
        with reading(path, "a file of COCO's captions", "download it again"):
            return CocoCaptions(path, images, content, column)
    if isinstance(content, dict):
        content = _rows_of_columns(content)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError(
            f"{path!r} is neither COCO's captions ('images', 'annotations') nor a list of rows such as "
            f'{{"image": "a.png", "caption": "a dog"}}: it has {text_of(content)}'
        )
    keys = list(dict.fromkeys(key for row in content[:100] for key in row))
    return JsonTable(path, folder, find_columns(keys, options, repr(path)), content)


def _rows_of_columns(content: dict[str, Any]) -> list[dict[str, Any]] | dict[str, Any]:
    """Return the rows of a table that is written column by column, as pandas' ``to_json`` does."""
    columns = {
        name: list(cells.values()) if isinstance(cells, dict) else cells
        for name, cells in content.items()
    }
    keys = [list(cells) if isinstance(cells, dict) else None for cells in content.values()]
    lists = columns and all(isinstance(cells, list) for cells in columns.values())
    if not lists or any(one != keys[0] for one in keys) or len({*map(len, columns.values())}) > 1:
        return content
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _find_images(path: str, names: list[str]) -> str:
    """Return the folder of COCO's pictures: that of the file, or a usual one beside it.

    Raises:
        FileNotFoundError: the first picture is in none of these.
    """
    name = next((one for one in names if one), "")
    if is_address(path) or is_address(name):
        return path.rpartition("/")[0]
    folder = Path(path).parent
    split = Path(path).stem.rpartition("_")[2]  # captions_val2017.json
    places = [
        base / sub
        for base in (folder, folder.parent)
        for sub in ("", split, "images", f"images/{split}")
    ]
    for place in places:
        if name and Path(join(str(place), name)).is_file():
            return str(place)
    if not name:
        return str(folder)
    raise FileNotFoundError(
        f"the pictures of {path!r} are not found: no {name!r} in "
        f"{', '.join(sorted({str(place) for place in places}))}; give their folder as images="
    )
