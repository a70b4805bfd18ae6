"""Find the kind of a source and open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import did_you_mean
from ..libraries import require
from ..pairs import PairSource
from . import arrow, files, huggingface, parquet, shards, side_by_side, text_tables
from .columns import COLUMN_OPTIONS, Options, text_of
from .in_memory import InMemory, MapStyle
from .rows import absolute

TABLES = (*text_tables.SUFFIXES, parquet.SUFFIX)
_KINDS = (
    "a source is a folder of pictures, a table of captions (.csv, .tsv, .jsonl, .parquet), WebDataset shards "
    "(.tar), a Hugging Face dataset (an object, a saved folder or 'hf:NAME'), or a list of (image, caption)"
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

    >>> from gradeclip_widget.dataset.sources import open_source
    >>> [pair.id for pair in open_source([("dog.jpg", ["a dog", "an animal"])]).pairs()]
    ['0#1', '0#2']

    Args:
        source: one of

            - a folder of pictures with one table of captions in it or beside it, or with a text file
              ``dog.txt`` for each picture ``dog.jpg``;
            - a table ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` with a row for each picture. Several
              Parquet files can be one table, ``"part-*.parquet"``, and contain the pictures themselves;
            - WebDataset shards: a ``.tar``, a folder of these, or ``"shard-{0000..0012}.tar"``;
            - a Hugging Face ``Dataset``, a folder that its ``save_to_disk`` wrote, or ``"hf:NAME"``;
            - a list or another iterable of ``(image, caption)``, of dicts or of objects with ``.image`` and
              ``.caption``, or a pandas ``DataFrame``.

            If the format has lists, a caption may be a list of captions: each is a pair.
        images: the folder that paths of pictures are relative to; by default the folder of the table.
        image_column: column of pictures; by default a usual name such as ``image``. In shards a suffix, such
            as ``"png"``.
        caption_column: column of captions; by default a usual name such as ``caption``. In shards a suffix,
            or a field of the ``.json``.
        id_column: column of unique ids; by default ``id``, ``key`` or ``uid``, else ids are the numbers of
            rows. In shards a field of the ``.json``, or ``"__key__"``; by default ids are ``SHARD/KEY``.
        box_column: column of boxes (x0, y0, x1, y1) in pixels, the part of the picture that the caption
            describes; by default ``box``.
        split: name of a split of a Hugging Face dataset.

    Raises:
        FileNotFoundError: the path does not exist.
        ValueError: the source has no pairs, no such columns or several tables, or cannot be read; or an
            option does not apply to it.
        TypeError: the source is none of the above.
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
    if "://" in text:
        raise ValueError(f"{text!r} is a web address: download it and give its path")
    path = absolute(text)
    if path.is_dir():
        return _open_folder(path, options)
    if path.is_file():
        return _open_files([path], options, str(path))
    if set("{*?[") & set(path.name):
        paths = _expand(path)
        if paths:
            return _open_files(paths, options, str(path))
    near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    raise FileNotFoundError(
        f"{str(path)!r} does not exist{did_you_mean(path.name, near)}; {_KINDS}"
    )


def _open_files(paths: list[Path], options: Options, source: str) -> PairSource:
    """Return one or several files of a kind as a source."""
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes == {shards.SUFFIX}:
        options.allow("WebDataset shards", *COLUMN_OPTIONS)
        return shards.WebDataset(paths, options, source)
    if suffixes == {parquet.SUFFIX} or (len(paths) == 1 and suffixes <= set(TABLES)):
        return open_table(paths, options, source)
    if len(paths) > 1:
        raise ValueError(
            f"{source!r} is {len(paths)} files ({_some(paths)}): several files are read as one only if all "
            "are .tar, or all .parquet"
        )
    name = paths[0].name.lower()
    if name.endswith(shards.COMPRESSED_SUFFIXES):
        raise ValueError(
            f"{source!r} is compressed, so that no position in it can be read; decompress it to a .tar"
        )
    if files.suffix_of(name) in (".gz", ".bz2", ".xz", ".zst"):
        raise ValueError(f"{source!r} is compressed; decompress it and give the file in it")
    raise ValueError(f"{source!r} is not a file of pairs: {_KINDS}")


def open_table(
    paths: list[Path], options: Options, source: str | None = None
) -> text_tables.TextTable | parquet.ParquetTable:
    """Return a table of captions as a source.

    Args:
        paths: of the table; several for Parquet.
        options: of `open_source`.
        source: names all files.

    Raises:
        FileNotFoundError: the table or the folder of pictures does not exist.
        ValueError: the file is not a table, cannot be read, or has no rows or no such columns.
    """
    options.allow("tables", *COLUMN_OPTIONS, "images")
    path = paths[0]
    if not path.is_file():
        raise FileNotFoundError(f"there is no table of captions {str(path)!r}")
    if path.suffix.lower() not in TABLES:
        raise ValueError(f"{str(path)!r}: a table of captions is one of {', '.join(TABLES)}")
    folder = path.parent if options.images is None else _folder(options.images)
    if path.suffix.lower() == parquet.SUFFIX:
        return parquet.ParquetTable(paths, folder, options, source)
    return text_tables.TextTable(path, folder, options)


def _open_folder(folder: Path, options: Options) -> PairSource:
    if huggingface.is_saved(folder):
        options.allow("Hugging Face datasets", *COLUMN_OPTIONS, "split")
        return huggingface.HuggingFace(str(folder), options)
    names = sorted(files.walk(folder))
    if inside := [folder / name for name in names if name.lower().endswith(shards.SUFFIX)]:
        return _open_files(inside, options, str(folder))
    if tables := _tables(folder):
        return _open_found(tables, folder, options)
    texts = side_by_side.texts_of(names)
    pictures = [name for name in names if files.is_picture(name)]
    if any(side_by_side.text_of_picture(name, texts) for name in pictures):
        options.allow("folders of pictures and texts")
        return side_by_side.SideBySide(str(folder), names)
    below = [folder / name for name in names if files.suffix_of(name) in TABLES]
    for tables in (below, _tables(folder.parent) if pictures else []):
        if tables:
            return _open_found(tables, folder, options)
    if not names:
        raise ValueError(f"the folder {str(folder)!r} is empty; {_KINDS}")
    kinds = sorted({files.suffix_of(name) or name for name in names})
    others = "" if pictures else f"; its {len(names)} files are of the kinds {', '.join(kinds[:5])}"
    raise ValueError(
        f"the folder {str(folder)!r} has {len(pictures)} pictures and no captions: neither a table "
        f"({', '.join(TABLES)}) in it or beside it, nor texts such as dog.txt beside dog.jpg{others}"
    )


def _open_found(tables: list[Path], folder: Path, options: Options) -> PairSource:
    """Return the table of captions of a folder, among the tables in it, below it or beside it.

    If there are several, it is the only one with columns of pictures and captions. Paths of pictures are
    relative to the table, or to the folder if the first picture is there.
    """
    table, others = _the_one(tables, folder, options)
    source = open_table([table], options)
    if options.images is None and table.parent != folder:
        inner = open_table([table], replace(options, images=str(folder)))
        if Path(next(inner.pairs(0, 1)).place).is_file():
            source = inner
    source.folder = str(folder)
    source.other_tables = [os.path.relpath(path, folder) for path in others]
    return source


def _tables(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLES)
    except PermissionError:  # of the folder around the one that is read
        return []


def _the_one(tables: list[Path], folder: Path, options: Options) -> tuple[Path, list[Path]]:
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
    several = f", or several Parquet files as one: {str(folder / '*.parquet')!r}"
    parts = all(path.suffix.lower() == parquet.SUFFIX for path in fitting)
    raise ValueError(
        f"{str(folder)!r} has {len(fitting)} tables ({_some(fitting)}); name one: {str(fitting[0])!r}"
        f"{several if parts else ''}"
    )


def _some(paths: list[Path], count: int = 5) -> str:
    rest = f" and {len(paths) - count} more" if len(paths) > count else ""
    return ", ".join(path.name for path in paths[:count]) + rest


def _expand(path: Path) -> list[Path]:
    """Return the files of a pattern with braces or wildcards; all files that braces name must exist."""
    if "{" not in path.name:
        return sorted(path.parent.glob(path.name))
    names = list(require("braceexpand", "Patterns in braces").braceexpand(path.name))
    paths = [path.parent / name for name in names]
    if missing := [one for one in paths if not one.is_file()]:
        raise FileNotFoundError(
            f"{str(path)!r} names {len(paths)} files, of which {len(missing)} do not exist: {_some(missing)}"
        )
    return paths


def _images(options: Options) -> str:
    """Return the folder that paths of pictures in a program are relative to."""
    return str(Path.cwd() if options.images is None else _folder(options.images))


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


def _folder(path: str | os.PathLike[str]) -> Path:
    folder = absolute(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"images={str(path)!r} is not a folder")
    return folder
