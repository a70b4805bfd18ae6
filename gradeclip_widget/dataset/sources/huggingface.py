"""Pairs from Hugging Face datasets: objects, folders that ``save_to_disk`` wrote, and names on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import summarize_error
from ..libraries import require
from .columns import Columns, Options, check_types, find_columns, is_list
from .in_memory import MapStyle
from .rows import Row
from .tables import ArrowTable, lists_as_text

HUB = "hf:"
_WHAT = "Hugging Face datasets"
_BLOCK = 512  # rows whose pairs are counted together
_BATCH = 64  # rows read at once, with their pictures


def is_saved(folder: Path) -> bool:
    """Return whether a folder was written by ``save_to_disk``."""
    names = ("dataset_dict.json", "state.json")
    return any((folder / name).is_file() for name in names)


def is_dataset(source: Any) -> bool:
    """Return whether an object is a dataset of Hugging Face's library, or a dict of its splits."""
    return any(kind.__module__.partition(".")[0] == "datasets" for kind in type(source).__mro__)


def open_dataset(source: Any, options: Options) -> HuggingFace | MapStyle:
    """Return a dataset as a source; one with a transform (``with_transform``) gives what that makes of rows.

    Args:
        source: as for `HuggingFace`.
        options: names of the columns and the split.

    Raises:
        ValueError, TypeError, ModuleNotFoundError: as `HuggingFace`.
    """
    if not isinstance(source, str):
        data = _one_split(source, options.split, None)
        if data.format["type"] == "custom":
            if not len(data):
                raise ValueError("the dataset has no rows")
            fingerprint = data._fingerprint  # noqa: SLF001  # the only one
            return MapStyle(data, replace(options, split=None), "", fingerprint)
    return HuggingFace(source, options)


class HuggingFace(ArrowTable):
    """Rows of a dataset. Pictures are not decoded."""

    kind = "huggingface"

    def __init__(self, source: Any, options: Options) -> None:
        """Open the dataset and find its columns.

        Args:
            source: a ``Dataset``, a ``DatasetDict``, the path of a folder, or ``"hf:NAME"`` or
                ``"hf:NAME:CONFIGURATION"``.
            options: names of the columns and the split.

        Raises:
            ValueError: the dataset cannot be loaded, or has no rows, no such columns or no such split.
            TypeError: the dataset is streamed.
            ModuleNotFoundError: datasets is not installed.
        """
        require("datasets", _WHAT)
        self.source = source if isinstance(source, str) else None
        self.split = options.split
        self._counts: list[int] | None = None
        loaded = _load(source, options.split) if isinstance(source, str) else source
        data = _one_split(loaded, self.split, self.source)
        self.columns = _columns(data, options, self._name)
        if not len(data):
            raise ValueError(f"{self._name} has no rows")
        self.types = data.features.arrow_schema
        check_types(self.types, self.columns, self._name)
        self.rows, self.fingerprint = len(data), data._fingerprint  # noqa: SLF001  # the only one
        self._data: Any = self._prepared(data)
        self.lists = is_list(self.types.field(self.columns.caption).type) or lists_as_text(
            self._data[:100][self.columns.caption]
        )

    @property
    def _name(self) -> str:
        return "the dataset" if self.source is None else repr(self.source)

    def blocks(self) -> int:
        """Return the number of blocks of 512 rows."""
        return -(-self.rows // _BLOCK)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a block of rows. It is read only if it has lists of captions."""
        if not self.lists:
            return min(_BLOCK, self.rows - block * _BLOCK)
        if self._counts is None:
            self._counts = self._count_lists()
        return self._counts[block]

    def block_rows(self, block: int, skip: int) -> Iterator[Row | int]:
        """Yield the rows of a block."""
        start = block * _BLOCK
        stop = min(start + _BLOCK, self.rows)
        if not self.lists:
            yield skip
            start += skip
        name = self.source or "dataset"
        for begin in range(start, stop, _BATCH):
            table = self._opened()[begin : min(begin + _BATCH, stop)]
            for n in range(min(_BATCH, stop - begin)):
                cells = {column: table[column][n] for column in self.columns.names}
                yield self.row(cells, begin + n, f"{name}#{begin + n}")

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
        """Return the state to be pickled: without the dataset, if a name or a folder can open it again."""
        return super().__getstate__() | ({} if self.source is None else {"_data": None})

    def _opened(self) -> Any:
        if self._data is None:
            assert self.source is not None
            self._data = self._prepared(
                _one_split(_load(self.source, self.split), self.split, self.source)
            )
        return self._data

    def _prepared(self, data: Any) -> Any:
        """Return the columns needed, with pictures not decoded."""
        import datasets

        data = data.with_format(None).select_columns(self.columns.names)
        if isinstance(data.features[self.columns.image], datasets.Image):
            data = data.cast_column(self.columns.image, datasets.Image(decode=False))
        return data

    def cells(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield some columns of every row."""
        data = self._opened().select_columns(list(dict.fromkeys(names))).with_format("arrow")
        for table in data.iter(batch_size=_BLOCK):
            yield from table.to_pylist()

    def files(self) -> list[str]:
        """Return no paths: the files of a dataset are its library's."""
        return []

    def _count_lists(self) -> list[int]:
        name = self.columns.caption
        captions = self._opened().select_columns([name]).with_format("arrow")
        return [self.pairs_of_rows(table[name]) for table in captions.iter(batch_size=_BLOCK)]


def _one_split(loaded: Any, split: str | None, source: str | None) -> Any:
    """Return the only split of what was loaded, or the split in the options.

    Args:
        loaded: a dataset, or a dict of its splits.
        split: the split in the options.
        source: the name or folder; ``None`` for an object.
    """
    where = "the dataset" if source is None else repr(source)
    if not isinstance(loaded, Mapping):
        if not hasattr(loaded, "__len__"):
            raise TypeError(
                "a streamed dataset cannot be read from a position, which is needed to continue a run; "
                "load it without streaming=True"
            )
        if split is not None and not (source or "").startswith(HUB):
            raise ValueError(f"split={split!r}: {where} is one split already")
        return loaded
    splits = ", ".join(map(repr, loaded))
    if split is None and len(loaded) != 1:
        raise ValueError(f"{where} has the splits {splits}; give split=")
    if split is not None and split not in loaded:
        raise ValueError(f"split={split!r}: {where} has the splits {splits}")
    return loaded[split if split is not None else next(iter(loaded))]


def _columns(data: Any, options: Options, where: str) -> Columns:
    """Return the columns; the only column of pictures may have any name."""
    import datasets

    pictures = [n for n, kind in data.features.items() if isinstance(kind, datasets.Image)]
    if options.image_column is None and len(pictures) == 1:
        options = replace(options, image_column=pictures[0])
    return find_columns(list(data.features), options, where)


def _load(source: str, split: str | None) -> Any:
    """Return the dataset in a folder, or with a name on the hub."""
    import datasets

    if not source.startswith(HUB):
        try:
            return datasets.load_from_disk(source)
        except Exception as error:  # any error of the library in a damaged folder
            raise ValueError(
                f"the dataset in {source!r} cannot be loaded: {summarize_error(error)}"
            ) from error
    name, _, configuration = source.removeprefix(HUB).partition(":")
    try:
        return datasets.load_dataset(name, configuration or None, split=split)
    except Exception as error:  # of the hub's client, of the network, of the data
        raise ValueError(
            f"{source!r} cannot be loaded from the Hugging Face hub: {summarize_error(error)}. Check the "
            "name and the network; or load it on a machine with a network, call save_to_disk(FOLDER), and "
            "give the folder"
        ) from error
