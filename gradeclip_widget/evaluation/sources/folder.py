"""Examples from a folder of pictures, a table of their captions, and a folder of masks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...core.paths import existing_path, path_of, why_missing
from ...core.words import Span, Word, find_phrase, split_words
from ...dataset.pairs import UNREADABLE, FailedPair
from ...dataset.sources.columns import Options
from ...dataset.sources.find import open_table
from ...images import read_image
from ..examples import Example, FailedExample
from ..pointing import Mask


@dataclass(frozen=True)
class FolderExamples:
    """Examples of a folder; masks are read at every iteration, and pictures when they are used.

    Attributes:
        rows: for each example, the path of its picture, its caption, and the masks' paths by phrase.
        things: the phrases of all masks of each picture, also of those that its caption does not name.
    """

    rows: list[tuple[Path, str, dict[str, Path]]] = field(repr=False)
    things: Mapping[Path, Sequence[str]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Example | FailedExample]:
        """Yield the examples; ids are file names, with a number if a picture has several captions.

        A thing is absent from a picture if other pictures have masks of it and this one has not. Yield a
        `FailedExample` for an example with a mask that is damaged or all black.
        """
        counts: dict[str, int] = {}
        classes = list(
            dict.fromkeys(phrase for things in self.things.values() for phrase in things)
        )
        for path, caption, masks in self.rows:
            number = counts[path.name] = counts.get(path.name, 0) + 1
            name = path.name if number == 1 else f"{path.name} ({number})"
            example: Example | FailedExample
            try:
                example = Example(
                    path,
                    caption,
                    name,
                    {p: read_mask(m) for p, m in masks.items()},
                    present=(present := self.things.get(path, ())),
                    absent=[phrase for phrase in classes if phrase not in present],
                )
            except UNREADABLE as error:
                example = FailedExample(name, str(error))
            yield example


def folder_examples(
    images: str | Path, captions: str | Path, masks: str | Path | None = None
) -> FolderExamples:
    """Return the examples of a folder of pictures.

    Args:
        images: folder of the pictures; the table's file names are relative to it.
        captions: table (``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``), a row per picture and caption: a
            column ``image`` (or ``file``, ``filename``, ``path``) and a column ``caption`` (or ``text``,
            ``sentence``).
        masks: folder with a folder for each picture, named as the picture without its suffix. It contains an
            image of the same size for each phrase of the caption that has a mask, named as the phrase
            (``dog.png``, ``traffic_light.png``); pixels that are not black belong to the mask. Rows without
            masks are left out. A mask of a phrase that is not in the caption means that the thing is in the
            picture.

    Raises:
        FileNotFoundError: there is no such folder, table or picture.
        ValueError: the table has no such columns, no rows, or a row without a caption; or no mask belongs to
            a picture and a phrase of its caption.
        ModuleNotFoundError: a Parquet table needs pyarrow.
    """
    folder = _folder(images, "images")
    rows: list[tuple[Path, str, dict[str, Path]]] = [
        (path, caption, {})
        for path, caption in _table(existing_path(captions, "table of captions"), folder)
    ]
    if masks is None:
        return FolderExamples(rows)
    inside = _folder(masks, "masks")
    files = {path: _mask_files(inside / path.stem) for path, _, _ in rows}
    masked = [(path, caption, named_phrases(caption, files[path])) for path, caption, _ in rows]
    if not any(named for _, _, named in masked):
        raise ValueError(
            f"no mask in {str(masks)!r} belongs to a picture and a phrase of its caption: put each mask into "
            f"a folder named as the picture, as in {inside / rows[0][0].stem / 'dog.png'}, and name it as "
            "the phrase"
        )
    return FolderExamples(
        [row for row in masked if row[2]], {path: list(phrases) for path, phrases in files.items()}
    )


def named_phrases(caption: str, candidates: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the candidates whose phrase is in a caption exactly once.

    Args:
        caption: the caption.
        candidates: values by phrase.
    """
    words = [Word(caption[a:b], a, b) for a, b in split_words(caption)]
    named: dict[str | Span, Any] = {}
    for phrase, candidate in candidates.items():
        try:
            find_phrase(words, phrase)
        except ValueError:  # the phrase is not in the caption, or several times
            continue
        named[phrase] = candidate
    return named


def read_mask(path: Path) -> Mask:
    """Return a mask (height, width) of the pixels of an image that are not black."""
    return np.asarray(read_image(path).convert("L")) > 0


def _mask_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {path.stem.replace("_", " "): path for path in sorted(folder.glob("*.*"))}


def _folder(path: str | Path, what: str) -> Path:
    folder = path_of(path)
    if not folder.is_dir():
        why = ", but a file" if folder.exists() else why_missing(path)
        raise FileNotFoundError(f"{what}={str(path)!r} is not a folder{why}")
    return folder


def _table(captions: Path, images: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path and caption of every row of a table; raise an error for an incomplete row."""
    for pair in open_table([captions], Options(images=images)).pairs():
        row = f"row {pair.position + 1} of {str(captions)!r}"
        if isinstance(pair, FailedPair):
            raise ValueError(f"{row}: {pair.reason}")
        if not isinstance(pair.image, str):
            raise ValueError(
                f"{row} contains the picture itself, not its name; `dataset_examples({str(captions)!r})` and "
                f"gradeclip evaluate --source {captions} read such tables"
            )
        path = Path(pair.image)
        name = str(path.relative_to(images) if path.is_relative_to(images) else path)
        if not os.path.isfile(path):  # noqa: PTH113 - false too for a name that is too long
            raise FileNotFoundError(f"{row} names {name!r}, which is not in {str(images)!r}")
        if not split_words(pair.caption):
            raise ValueError(f"{row} ({name!r}) has no caption with words")
        yield path, pair.caption
