"""Find the kind of a source and open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.paths import path_of, why_missing
from ..libraries import require
from ..pairs import PairSource
from . import huggingface, parquet, shards, side_by_side, text_tables
from .columns import COLUMN_OPTIONS, Options
from .in_memory import InMemory
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
        return huggingface.HuggingFace(source, options)
    if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "to_dict"):
        source = source.to_dict("records")
    if isinstance(source, Iterable) and not isinstance(source, Mapping | bytes | bytearray):
        options.allow("pairs in a list", *COLUMN_OPTIONS, "images")
        folder = Path.cwd() if options.images is None else _folder(options.images)
        return InMemory(source, options, str(folder))
    raise TypeError(f"source={source!r:.80} is {type(source).__name__}, but {_KINDS}")


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
    path = absolute(path_of(text))
    if path.is_dir():
        return _open_folder(path, options)
    if path.is_file():
        return _open_files([path], options, str(path))
    if set("{*?[") & set(path.name):
        paths = _expand(path)
        if paths:
            return _open_files(paths, options, str(path))
    raise FileNotFoundError(f"{str(path)!r} does not exist{why_missing(text)}; {_KINDS}")


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
    if paths := sorted(folder.glob(f"*{shards.SUFFIX}")):
        return _open_files(paths, options, str(folder))
    if tables := _tables(folder):
        return open_table([_the_one(tables, folder)], options)
    if any(name.endswith(side_by_side.CAPTION) for name in side_by_side.walk(folder)):
        options.allow("folders of pictures and texts")
        return side_by_side.SideBySide(folder)
    if tables := _tables(folder.parent):
        table = _the_one(tables, folder.parent)
        if options.images is None:  # paths may be relative to this folder, or to the table's
            inner = open_table([table], replace(options, images=str(folder)))
            first = next(inner.pairs(0, 1))
            return inner if Path(first.place).is_file() else open_table([table], options)
        return open_table([table], options)
    if not any(True for _ in side_by_side.walk(folder)):
        raise ValueError(f"the folder {str(folder)!r} is empty; {_KINDS}")
    return side_by_side.SideBySide(folder)  # raises an error: there are no captions


def _tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLES)


def _the_one(tables: list[Path], folder: Path) -> Path:
    if len(tables) == 1:
        return tables[0]
    several = f", or several Parquet files as one: {str(folder / '*.parquet')!r}"
    parts = all(path.suffix.lower() == parquet.SUFFIX for path in tables)
    raise ValueError(
        f"{str(folder)!r} has {len(tables)} tables ({_some(tables)}); name one: {str(tables[0])!r}"
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


def _folder(path: str | os.PathLike[str]) -> Path:
    folder = absolute(path_of(path))
    if not folder.is_dir():
        why = ", but a file" if folder.exists() else why_missing(path)
        raise FileNotFoundError(f"images={str(path)!r} is not a folder{why}")
    return folder
