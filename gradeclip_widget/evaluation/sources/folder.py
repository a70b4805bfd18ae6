"""Examples from a folder of pictures, a table of their captions, and a folder of masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...core.images import read_image
from ...core.words import Span, Word, find_phrase, split_words
from ...dataset.pairs import FailedPair
from ...dataset.prepare import UNREADABLE
from ...dataset.sources.columns import Options
from ...dataset.sources.find import open_table
from ..examples import Example, FailedExample
from ..pointing import Mask


@dataclass(frozen=True)
class FolderExamples:
    """A list of examples that is read anew each time it is gone through; pictures are read when used.

    Attributes:
        rows: the path of each picture, its caption, and the masks' paths by phrase.
        things: the phrases of all masks of each picture, also of those that its caption does not name.
    """

    rows: list[tuple[Path, str, dict[str, Path]]] = field(repr=False)
    things: Mapping[Path, Sequence[str]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return how many examples there are."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Example | FailedExample]:
        """Yield the examples; ids are names of files, numbered where a picture has several captions.

        What other pictures have masks of, and a picture has not, is absent from that picture. A
        `FailedExample` stands for one with a mask that is damaged or all black.
        """
        seen: dict[str, int] = {}
        classes = list(
            dict.fromkeys(phrase for things in self.things.values() for phrase in things)
        )
        for path, caption, masks in self.rows:
            number = seen[path.name] = seen.get(path.name, 0) + 1
            name = path.name if number == 1 else f"{path.name} ({number})"
            example: Example | FailedExample
            try:
                example = Example(
                    path,
                    caption,
                    name,
                    {p: read_mask(m) for p, m in masks.items()},
                    present=(present := self.things.get(path, ())),
                    absent=[one for one in classes if one not in present],
                )
            except UNREADABLE as error:
                example = FailedExample(name, str(error))
            yield example


def folder_examples(
    images: str | Path, captions: str | Path, masks: str | Path | None = None
) -> FolderExamples:
    """Return the examples of a folder of pictures.

    Args:
        images: the folder that the table's file names are relative to.
        captions: a table (``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``), a row per picture and caption: a
            column ``image`` (or ``file``, ``filename``, ``path``) and a column ``caption`` (or ``text``,
            ``sentence``).
        masks: a folder with a folder for each picture, named as the picture without its suffix. In it lies a
            picture of the same size for each phrase of the caption that has a mask, named as the phrase
            (``dog.png``, ``traffic_light.png``): what is not black belongs to it. Rows without masks are
            left out. A mask of a phrase that the caption does not have says that the thing is in the picture.

    Raises:
        FileNotFoundError: there is no such folder, table or picture.
        ValueError: the table has no such columns, no rows, or a row without a caption; or no mask fits.
        ModuleNotFoundError: a Parquet table needs pyarrow.
    """
    folder = _folder(images, "images")
    rows: list[tuple[Path, str, dict[str, Path]]] = [
        (path, caption, {}) for path, caption in _table(Path(captions).expanduser(), folder)
    ]
    if masks is None:
        return FolderExamples(rows)
    inside = _folder(masks, "masks")
    files = {path: _mask_files(inside / path.stem) for path, _, _ in rows}
    masked = [(path, caption, named_phrases(caption, files[path])) for path, caption, _ in rows]
    if not any(found for _, _, found in masked):
        raise ValueError(
            f"no mask in {str(masks)!r} fits a picture and its caption: masks lie in a folder named as the "
            f"picture, such as {inside / rows[0][0].stem / 'dog.png'}, each named as a phrase"
        )
    return FolderExamples(
        [row for row in masked if row[2]], {p: list(found) for p, found in files.items()}
    )


def named_phrases(caption: str, candidates: Mapping[str, Any]) -> dict[Any, Any]:
    """Return those of the candidates whose phrase a caption has exactly once.

    Args:
        caption: the caption.
        candidates: anything, by phrase.
    """
    words = [Word(caption[a:b], a, b) for a, b in split_words(caption)]
    found: dict[str | Span, Any] = {}
    for phrase, candidate in candidates.items():
        try:
            find_phrase(words, phrase)
        except ValueError:  # it is not in the caption, or one could not tell which it is
            continue
        found[phrase] = candidate
    return found


def read_mask(path: Path) -> Mask:
    """Return a mask (height, width): the pixels of a picture that are not black."""
    return np.asarray(read_image(path).convert("L")) > 0


def _mask_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {path.stem.replace("_", " "): path for path in sorted(folder.glob("*.*"))}


def _folder(path: str | Path, what: str) -> Path:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{what}={str(path)!r} is not a folder")
    return folder


def _table(captions: Path, images: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path and caption of every row of a table; one that is not whole is refused."""
    for pair in open_table([captions], Options(images=images)).pairs():
        row = f"row {pair.position + 1} of {str(captions)!r}"
        if isinstance(pair, FailedPair):
            raise ValueError(f"{row}: {pair.reason}")
        if not isinstance(pair.image, str):
            raise ValueError(
                f"{row} holds the picture itself, not its name; `dataset_examples({str(captions)!r})` and "
                f"gradeclip evaluate --source {captions} read such tables"
            )
        path = Path(pair.image)
        name = str(path.relative_to(images) if path.is_relative_to(images) else path)
        if not path.is_file():
            raise FileNotFoundError(f"{row} names {name!r}, which is not in {str(images)!r}")
        if not split_words(pair.caption):
            raise ValueError(f"{row} ({name!r}) has no caption with words")
        yield path, pair.caption
