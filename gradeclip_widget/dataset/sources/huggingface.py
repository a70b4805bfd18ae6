"""Pairs from Hugging Face datasets: objects, folders that ``save_to_disk`` wrote, and names on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...core.errors import summarize_error
from ..libraries import require
from ..pairs import FailedPair, Pair
from .base import BlockSource
from .columns import Columns, Options, check_types, find_columns, holds_lists
from .rows import Row, image_of, is_missing, pairs_of

HUB = "hf:"
_WHAT = "Hugging Face datasets"
_BLOCK = 512  # rows whose pairs are counted together
_BATCH = 64  # rows read at once: pictures are among them


def is_saved(folder: Path) -> bool:
    """Return whether ``save_to_disk`` wrote a folder."""
    names = ("dataset_dict.json", "state.json")
    return any((folder / name).is_file() for name in names)


def is_dataset(source: Any) -> bool:
    """Return whether something is a dataset of Hugging Face's library, or several splits of one."""
    return any(kind.__module__.partition(".")[0] == "datasets" for kind in type(source).__mro__)


class HuggingFace(BlockSource):
    """Rows of a dataset. Pictures stay the bytes that the dataset has."""

    kind = "huggingface"

    def __init__(self, source: Any, options: Options) -> None:
        """Open the dataset and find its columns.

        Args:
            source: a ``Dataset``, a ``DatasetDict``, the path of a folder, or ``"hf:NAME"`` or
                ``"hf:NAME:CONFIGURATION"``.
            options: columns and split that the user names.

        Raises:
            ValueError: there are no rows, no such columns or no such split, or it cannot be loaded.
            TypeError: the dataset is streamed.
            ModuleNotFoundError: datasets is not installed.
        """
        require("datasets", _WHAT)
        self.source = source if isinstance(source, str) else None
        self.split = options.split
        self._counts: list[int] | None = None
        loaded = _load(source, options.split) if isinstance(source, str) else source
        data = self._table(loaded)
        self.columns = _columns(data, options, self._name)
        if not len(data):
            raise ValueError(f"{self._name} has no rows")
        schema = data.features.arrow_schema
        check_types(schema, self.columns, self._name)
        self.rows, self.fingerprint = len(data), data._fingerprint  # noqa: SLF001  # it has no other name
        self.lists = holds_lists(schema.field(self.columns.caption).type)
        self._data: Any = self._prepared(data)

    @property
    def _name(self) -> str:
        return "the dataset" if self.source is None else repr(self.source)

    def blocks(self) -> int:
        """Return how many blocks of 512 rows there are."""
        return -(-self.rows // _BLOCK)

    def pairs_in(self, block: int) -> int:
        """Return how many pairs a block of rows has; only lists of captions are read for it."""
        if not self.lists:
            return min(_BLOCK, self.rows - block * _BLOCK)
        if self._counts is None:
            self._counts = self._count_lists()
        return self._counts[block]

    def block_pairs(self, block: int, first: int, skip: int) -> Iterator[Pair | FailedPair]:
        """Yield the pairs of a block of rows."""
        start = block * _BLOCK
        stop = min(start + _BLOCK, self.rows)
        position, wanted = first, first + skip
        if not self.lists:
            start, position = start + skip, wanted
        for begin in range(start, stop, _BATCH):
            table = self._opened()[begin : min(begin + _BATCH, stop)]
            for n in range(min(_BATCH, stop - begin)):
                cells = {name: table[name][n] for name in self.columns.names}
                pairs = pairs_of(self._row(begin + n, cells), position)
                yield from pairs[max(wanted - position, 0) :]
                position += len(pairs)

    def description(self) -> dict[str, Any]:
        """Return the name or folder, columns, split, number of pairs, and the dataset's own fingerprint."""
        return {
            "kind": self.kind,
            "source": self.source,
            "options": {**self.columns.options, "split": self.split},
            "pairs": self.count(),
            "fingerprint": self.fingerprint,
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: a dataset that has a name or a folder is opened again from there."""
        return self.__dict__ | ({} if self.source is None else {"_data": None})

    def _opened(self) -> Any:
        if self._data is None:
            assert self.source is not None
            self._data = self._prepared(self._table(_load(self.source, self.split)))
        return self._data

    def _table(self, loaded: Any) -> Any:
        """Return the one table of what was loaded, or that of the split."""
        if not isinstance(loaded, Mapping):
            if not hasattr(loaded, "__len__"):
                raise TypeError(
                    "a streamed dataset cannot be gone to a position, as going on with a run needs; load it "
                    "without streaming=True"
                )
            if self.split is not None and not (self.source or "").startswith(HUB):
                raise ValueError(f"split={self.split!r}: {self._name} is one split already")
            return loaded
        splits = ", ".join(map(repr, loaded))
        if self.split is None and len(loaded) != 1:
            raise ValueError(f"{self._name} has the splits {splits}; give split=")
        if self.split is not None and self.split not in loaded:
            raise ValueError(f"split={self.split!r}: {self._name} has the splits {splits}")
        return loaded[self.split if self.split is not None else next(iter(loaded))]

    def _prepared(self, data: Any) -> Any:
        """Return the columns needed, with pictures left as they are stored."""
        import datasets

        data = data.with_format(None).select_columns(self.columns.names)
        if isinstance(data.features[self.columns.image], datasets.Image):
            data = data.cast_column(self.columns.image, datasets.Image(decode=False))
        return data

    def _count_lists(self) -> list[int]:
        import pyarrow.compute as pc

        name = self.columns.caption
        counts: list[int] = []
        only = self._opened().select_columns([name]).with_format("arrow")
        for table in only.iter(batch_size=_BLOCK):
            lengths = pc.list_value_length(table[name])
            counts.append(int(pc.sum(pc.max_element_wise(lengths, 1)).as_py()))
        return counts

    def _row(self, number: int, cells: dict[str, Any]) -> Row:
        columns = self.columns
        place = f"{self.source or 'dataset'}#{number}"
        image, place = image_of(cells[columns.image], "", place)
        key = None if columns.id is None else cells[columns.id]
        box = None if columns.box is None else cells[columns.box]
        name = str(number) if is_missing(key) else str(key)
        return Row(name, image, place, cells[columns.caption], box)


def _columns(data: Any, options: Options, where: str) -> Columns:
    """Return the columns; a single one of pictures needs no usual name."""
    import datasets

    pictures = [n for n, kind in data.features.items() if isinstance(kind, datasets.Image)]
    if options.image_column is None and len(pictures) == 1:
        options = Options(
            image_column=pictures[0],
            caption_column=options.caption_column,
            id_column=options.id_column,
            box_column=options.box_column,
        )
    return find_columns(list(data.features), options, where)


def _load(source: str, split: str | None) -> Any:
    """Return what is at a path or has a name on the hub."""
    import datasets

    if not source.startswith(HUB):
        try:
            return datasets.load_from_disk(source)
        except Exception as error:  # whatever the library meets in a damaged folder
            raise ValueError(
                f"the dataset in {source!r} cannot be loaded: {summarize_error(error)}"
            ) from error
    name, _, configuration = source.removeprefix(HUB).partition(":")
    try:
        return datasets.load_dataset(name, configuration or None, split=split)
    except Exception as error:  # of the hub's client, of the network, of the data
        raise ValueError(
            f"{source!r} cannot be loaded from the Hugging Face hub: {summarize_error(error)}. Check the "
            "name and the network, or load it where there is one, save_to_disk(FOLDER), and give the folder"
        ) from error
