"""Find the kind of a source and open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...core.paths import path_of, why_missing
from ...images import remote
from ..libraries import require
from ..pairs import PairSource
from . import (
    arrow,
    files,
    huggingface,
    json_tables,
    parquet,
    shards,
    side_by_side,
    text_tables,
)
from .columns import COLUMN_OPTIONS, Options, text_of
from .in_memory import InMemory, MapStyle
from .rows import absolute
from .tables import Table

TABLES = (*text_tables.SUFFIXES, parquet.SUFFIX)
_MAX_JSON_FILES = 20  # of a folder that are tried; more are descriptions of its pictures
_KINDS = (
    "a source is a folder of pictures, a table of captions (.csv, .tsv, .jsonl, .parquet, or COCO's .json), "
    "WebDataset shards (.tar), the address of one of these (s3://...), a Hugging Face dataset (an object, a "
    "saved folder or 'hf:NAME'), a PyTorch dataset, a table in memory, or a list of (image, caption)"
)


def open_source(
    source: Any,
    *,
    images: str | os.PathLike[str] | None = None,
    image_column: str | None = None,
    caption_column: str | None = None,
    id_column: str | None = None,
    box_column: str | None = None,
    split: str | None = None,
) -> PairSource:
    """Return the pairs of pictures and captions in a folder, table, tar file, dataset or list.

    Of several sources in a folder the first of these is used: a saved dataset, shards, a table in it, texts
    with the name of a picture, a table in a subfolder, a table beside the folder, a JSON file.

    >>> from gradeclip_widget.dataset.sources import open_source
    >>> [pair.id for pair in open_source([("dog.jpg", ["a dog", "an animal"])]).pairs()]
    ['0#1', '0#2']

    Args:
        source: one of

            - a folder of pictures with one table of captions in it or beside it, or with a text file
              ``dog.txt`` for each picture ``dog.jpg``, with a caption on each line;
            - a table ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` with a row for each picture. Several
              Parquet files can be one table, ``"part-*.parquet"``, and contain the pictures themselves;
            - a ``.json``: COCO's captions, or a table;
            - WebDataset shards: a ``.tar``, a folder of these, or ``"shard-{0000..0012}.tar"``;
            - the address of a table, of shards or of a folder: ``s3://``, ``gs://``, ``az://``, ``https://``;
            - a Hugging Face ``Dataset``, a folder that its ``save_to_disk`` wrote, or ``"hf:NAME"``;
            - a PyTorch ``Dataset`` with a length, whose items are as those of a list;
            - a table of pandas, Polars, pyarrow or another library with ``__arrow_c_stream__``;
            - a list or another iterable of ``(image, caption)``, of dicts or of objects with ``.image`` and
              ``.caption``.

            A caption may be a list of captions, also one that was written as text: each is a pair.
        images: the folder, or its address, that paths of pictures are relative to; by default the folder of
            the table.
        image_column: column of pictures; by default a usual name such as ``image``. In shards a suffix, such
            as ``"png"``.
        caption_column: column of captions; by default a usual name such as ``caption``. In shards a suffix,
            or a field of the ``.json``.
        id_column: column of ids, of which repeated ones get a number; by default ``id``, ``key`` or ``uid``,
            else ids are the numbers of rows. In shards a field of the ``.json``, or ``"__key__"``; by default
            ids are ``SHARD/KEY``.
        box_column: column of boxes (x0, y0, x1, y1), the part of the picture that the caption describes; by
            default ``box`` or ``box_fraction``. They are in pixels; in fractions of the picture if the name
            contains "fraction", "normalized" or "relative".
        split: name of a split of a Hugging Face dataset.

    Raises:
        FileNotFoundError: the path does not exist.
        ValueError: the source has no pairs, no such columns or several tables, or cannot be read; or an
            option does not apply to it.
        TypeError: the source is none of the above.
        ConnectionError, PermissionError: the source is at an address that cannot be read.
        ModuleNotFoundError: the source needs a library that is not installed.
    """
    options = Options(images, image_column, caption_column, id_column, box_column, split)
    if isinstance(source, PairSource):
        options.allow("sources that are open")
        return source
    if isinstance(source, str | os.PathLike):
        return _open_path(os.fspath(source), options)
    if huggingface.is_dataset(source):
        options.allow("Hugging Face datasets", *COLUMN_OPTIONS, "split")
        return huggingface.open_dataset(source, options)
    if arrow.is_table(source):
        options.allow("tables", *COLUMN_OPTIONS, "images")
        return arrow.InMemoryTable(source, _images(options), options)
    library = type(source).__module__.partition(".")[0]
    if library == "pandas" and hasattr(source, "to_dict"):
        source = _records(source)
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(source).__mro__}
    if "torch.utils.data.dataloader.DataLoader" in kinds:
        raise TypeError("a DataLoader gives batches, not pairs; give its dataset: loader.dataset")
    if "torch.utils.data.dataset.IterableDataset" in kinds:
        raise TypeError(
            "an IterableDataset cannot be read from a position, which is needed to continue a run; give "
            "list(dataset), or a dataset with __getitem__ and __len__"
        )
    options_of_items = (*COLUMN_OPTIONS, "images")
    numbered = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if numbered and not isinstance(source, Sequence | Mapping | bytes | bytearray | np.ndarray):
        options.allow("datasets with numbered items", *options_of_items)
        return MapStyle(source, options, _images(options))
    if isinstance(source, Iterable) and not isinstance(source, Mapping | bytes | bytearray):
        options.allow("pairs in a list", *options_of_items)
        return InMemory(source, options, _images(options))
    raise TypeError(f"source={text_of(source)} is {type(source).__name__}, but {_KINDS}")


def reopen(description: Mapping[str, Any]) -> PairSource:
    """Open the source of a run again. If it has changed since, its ``description()`` differs.

    Args:
        description: the source's ``description()`` at the time of the run.

    Raises:
        FileNotFoundError: the source does not exist any more.
        ValueError: the source was a list or an object, or cannot be read any more.
    """
    source = description.get("source")
    if source is None:
        raise ValueError(
            f"the source of this run, a {description.get('kind')} in a program, was not on disk and cannot "
            "be opened again; give the same source"
        )
    options = {name: value for name, value in description.get("options", {}).items() if value}
    try:
        return open_source(source, **options)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"the source of this run does not exist any more: {error}"
        ) from error


def _open_path(text: str, options: Options) -> PairSource:
    if text.startswith(huggingface.HUB):
        options.allow("Hugging Face datasets", *COLUMN_OPTIONS, "split")
        return huggingface.HuggingFace(text, options)
    if remote.protocol_of(text) not in (None, "file"):
        return _open_address(text.rstrip("/"), options)
    path = absolute(path_of(text))
    if path.is_dir():
        return _open_folder(str(path), options)
    if path.is_file():
        return _open_files([str(path)], options, str(path))
    if set("{*?[") & set(path.name):
        paths = _expand(str(path))
        if paths:
            return _open_files(paths, options, str(path))
    raise FileNotFoundError(f"{str(path)!r} does not exist{why_missing(text)}; {_KINDS}")


def _open_address(address: str, options: Options) -> PairSource:
    """Return files or a folder at an address as a source.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: as `open_source`, or the address has an unknown protocol.
        ConnectionError, PermissionError, ModuleNotFoundError: it cannot be reached.
    """
    remote.check(address)
    name = address.partition("?")[0].rpartition("/")[2]
    if set("{*[") & set(name):
        if paths := _expand(address):
            return _open_files(paths, options, address)
        raise FileNotFoundError(f"{address!r} matches no file")
    if files.suffix_of(name) in (*TABLES, json_tables.SUFFIX, shards.SUFFIX):
        return _open_files([address], options, address)
    return _open_folder(address, options)


def _open_files(paths: list[str], options: Options, source: str) -> PairSource:
    """Return one or several files of a kind as a source."""
    suffixes = set(map(_suffix_of, paths))
    if suffixes == {shards.SUFFIX}:
        options.allow("WebDataset shards", *COLUMN_OPTIONS)
        return shards.WebDataset(paths, options, source)
    if suffixes == {parquet.SUFFIX} or (
        len(paths) == 1 and suffixes <= {*TABLES, json_tables.SUFFIX}
    ):
        return open_table(paths, options, source)
    if len(paths) > 1:
        raise ValueError(
            f"{source!r} is {len(paths)} files ({_some(paths)}): several files are read as one only if all "
            "are .tar, or all .parquet"
        )
    name = paths[0].lower()
    if name.endswith(shards.COMPRESSED_SUFFIXES):
        raise ValueError(
            f"{source!r} is compressed, so that no position in it can be read; decompress it to a .tar"
        )
    if _suffix_of(name) in (".gz", ".bz2", ".xz", ".zst"):
        raise ValueError(f"{source!r} is compressed; decompress it and give the file in it")
    raise ValueError(f"{source!r} is not a file of pairs: {_KINDS}")


def open_table(
    files_of_table: Sequence[str | os.PathLike[str]], options: Options, source: str | None = None
) -> Table:
    """Return a table of captions as a source.

    Args:
        files_of_table: their paths or addresses; several for Parquet.
        options: of `open_source`.
        source: names all files.

    Raises:
        FileNotFoundError: the table or the folder of pictures does not exist.
        ValueError: the file is not a table, cannot be read, or has no rows or no such columns.
    """
    options.allow("tables", *COLUMN_OPTIONS, "images")
    paths = [os.fspath(path) for path in files_of_table]
    path, suffix = paths[0], _suffix_of(paths[0])
    if not remote.is_address(path) and not Path(path).is_file():
        raise FileNotFoundError(f"there is no table of captions {path!r}")
    if suffix not in (*TABLES, json_tables.SUFFIX):
        raise ValueError(f"{path!r}: a table of captions is one of {', '.join(TABLES)}")
    if suffix == json_tables.SUFFIX:
        images = None if options.images is None else _folder(options.images)
        return json_tables.open_json(path, images, options)
    folder = _parent(path) if options.images is None else _folder(options.images)
    if suffix == parquet.SUFFIX:
        return parquet.ParquetTable(paths, folder, options, source)
    return text_tables.TextTable(path, folder, options)


def _open_folder(folder: str, options: Options) -> PairSource:
    """Return the source in a folder on disk or at an address: the first of these that it has.

    A saved Hugging Face dataset; WebDataset shards; a table in it; texts beside pictures; a table in a
    subfolder, beside the folder, or in a JSON file.
    """
    on_disk = not remote.is_address(folder)
    if on_disk and huggingface.is_saved(Path(folder)):
        options.allow("Hugging Face datasets", *COLUMN_OPTIONS, "split")
        return huggingface.HuggingFace(folder, options)
    names = sorted(files.walk(folder) if on_disk else remote.list_files(folder))

    def of(suffixes: Sequence[str]) -> list[str]:
        return [remote.join(folder, name) for name in names if files.suffix_of(name) in suffixes]

    if inside := of([shards.SUFFIX]):
        return _open_files(inside, options, folder)
    tables = of(TABLES)
    if here := [path for path in tables if _parent(path) == folder]:
        return _open_found(here, folder, options)
    texts = side_by_side.texts_of(names)
    pictures = [name for name in names if files.is_picture(name)]
    if any(side_by_side.text_of_picture(name, texts) for name in pictures):
        options.allow("folders of pictures and texts")
        return side_by_side.SideBySide(folder, names)
    beside = _tables_beside(folder) if pictures and on_disk else []
    in_json = of([json_tables.SUFFIX])
    for found in (tables, beside, in_json if len(in_json) <= _MAX_JSON_FILES else []):
        if found:
            return _open_found(found, folder, options)
    if not names:
        raise ValueError(f"the folder {folder!r} is empty; {_KINDS}")
    kinds = sorted({files.suffix_of(name) or name for name in names})
    others = "" if pictures else f"; its {len(names)} files are of the kinds {', '.join(kinds[:5])}"
    raise ValueError(
        f"the folder {folder!r} has {len(pictures)} pictures and no captions: neither a table "
        f"({', '.join(TABLES)}) in it or beside it, nor texts such as dog.txt beside dog.jpg{others}"
    )


def _open_found(tables: list[str], folder: str, options: Options) -> PairSource:
    """Return the table of captions of a folder, among the tables in it, below it or beside it.

    If there are several, it is the only one with columns of pictures and captions. Paths of pictures are
    relative to the table, or to the folder if the first picture is there.
    """
    table, others = _the_one(tables, folder, options)
    source = open_table([table], options)
    if options.images is None and _parent(table) != folder and not remote.is_address(folder):
        inner = open_table([table], replace(options, images=folder))
        if Path(next(inner.pairs(0, 1)).place).is_file():
            source = inner
    source.folder = folder
    source.other_tables = [os.path.relpath(path, folder) for path in others]
    return source


def _tables_beside(folder: str) -> list[str]:
    try:
        paths = sorted(Path(folder).parent.iterdir())
    except OSError:  # it must not be read
        return []
    return [str(path) for path in paths if path.suffix.lower() in TABLES]


def _the_one(tables: list[str], folder: str, options: Options) -> tuple[str, list[str]]:
    """Return the table of captions, and the other tables."""
    if len(tables) == 1:
        return tables[0], []
    fitting, problems = [], []
    for path in tables:
        try:
            open_table([path], options)
            fitting.append(path)
        except ValueError as error:
            problems.append(error)
    if len(fitting) == 1:
        return fitting[0], [path for path in tables if path != fitting[0]]
    if not fitting:
        raise problems[0]
    several = f", or several Parquet files as one: {remote.join(folder, '*.parquet')!r}"
    parts = all(_suffix_of(path) == parquet.SUFFIX for path in fitting)
    raise ValueError(
        f"{folder!r} has {len(fitting)} tables ({_some(fitting)}); name one: {fitting[0]!r}"
        f"{several if parts else ''}"
    )


def _some(paths: list[str], count: int = 5) -> str:
    rest = f" and {len(paths) - count} more" if len(paths) > count else ""
    return ", ".join(path.rpartition("/")[2] for path in paths[:count]) + rest


def _expand(pattern: str) -> list[str]:
    """Return the files of a pattern with braces or wildcards; all files that braces name must exist."""
    path = Path(pattern)
    if "{" not in path.name:
        if remote.is_address(pattern):
            return remote.expand(pattern)
        return sorted(map(str, path.parent.glob(path.name)))
    names = list(require("braceexpand", "Patterns in braces").braceexpand(path.name))
    paths = [remote.join(_parent(pattern), name) for name in names]
    if remote.is_address(pattern):
        return paths
    if missing := [one for one in paths if not Path(one).is_file()]:
        raise FileNotFoundError(
            f"{pattern!r} names {len(paths)} files, of which {len(missing)} do not exist: {_some(missing)}"
        )
    return paths


def _parent(path: str) -> str:
    return path.rpartition("/")[0] if remote.is_address(path) else str(Path(path).parent)


def _suffix_of(path: str) -> str:
    """Return the suffix of a path or an address, which may end in a query."""
    return files.suffix_of(path.partition("?")[0] if remote.is_address(path) else path)


def _images(options: Options) -> str:
    """Return the folder that paths of pictures in a program are relative to."""
    return str(Path.cwd()) if options.images is None else _folder(options.images)


def _records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a pandas table.

    Raises:
        ValueError: two columns have the same name.
    """
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()]]
    if twice:
        raise ValueError(
            f"the table has several columns {twice[0]!r}; name one of them differently, or drop it: "
            "df.loc[:, ~df.columns.duplicated()]"
        )
    records: list[dict[str, Any]] = frame.rename(columns=str).to_dict("records")
    return records


def _folder(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if remote.is_address(text):
        return text.rstrip("/")
    folder = absolute(path_of(path))
    if not folder.is_dir():
        why = ", but a file" if folder.exists() else why_missing(path)
        raise FileNotFoundError(f"images={str(path)!r} is not a folder{why}")
    return str(folder)
