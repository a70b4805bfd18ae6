"""Pairs from a folder with a text file for each picture."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from ...core.errors import summarize_error
from ...images.remote import join, read_file
from ..pairs import Contents, FailedPair, Pair
from .base import Source, fingerprint_files, pairs_between
from .files import decode_text, is_picture, left_out, stem_of, suffix_of
from .rows import Row, captions_in, lines_of

TEXT = ".txt"


def texts_of(names: Iterable[str]) -> dict[str, str]:
    """Return the texts among the files that can be captions, by their path without the suffix."""
    return {stem_of(name): name for name in sorted(names, reverse=True) if suffix_of(name) == TEXT}


def text_of_picture(name: str, texts: dict[str, str]) -> str | None:
    """Return the text of a picture ``dog.jpg``: ``dog.txt``, or ``dog.jpg.txt``."""
    return texts.get(stem_of(name)) or texts.get(stem_of(f"{name}{TEXT}"))


class SideBySide(Source):
    """``dog.jpg`` and ``dog.txt``, in the order of their paths; the id is the path without its suffix.

    Each line of the text is a caption; a line that begins with a space continues the one before.
    """

    kind = "folder"

    def __init__(self, folder: str, files: Iterable[str]) -> None:
        """Store which pictures and texts there are.

        Args:
            folder: its path.
            files: the relative paths of all files in it.
        """
        self.folder = folder
        files = set(files)
        self.names = sorted(filter(is_picture, files))
        texts = texts_of(files)
        self.texts = [text_of_picture(name, texts) for name in self.names]
        self._left_out = left_out(
            ("texts without a picture of their name", set(texts.values()) - set(self.texts)),
            ("files of other kinds", files - set(self.names) - set(texts.values())),
        )
        self._counts: array[int] | None = None

    def count(self) -> int | None:
        """Return the number of pairs. The first call reads all texts."""
        return sum(self._counted())

    def contents(self) -> Contents:
        """Return the numbers of pictures and captions, and the files that are neither."""
        self._counted()
        return Contents(len(self.names), self._captions, self._left_out)

    def may_repeat(self) -> bool:
        """Return whether two pictures differ only in their suffix."""
        stems = set(map(stem_of, self.names))
        return len(stems) < len(self.names) or any("#" in stem for stem in stems)

    def read(self, start: int, stop: int | None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``."""
        return pairs_between(self._rows(start), 0, start, stop)

    def description(self) -> dict[str, Any]:
        """Return the folder, the number of pairs, and a fingerprint of the captions' sizes and times."""
        texts = (join(self.folder, text) for text in self.texts if text)
        return {
            "kind": self.kind,
            "source": self.folder,
            "options": {},
            "pairs": self.count(),
            "fingerprint": fingerprint_files([*self.names, *texts]),
        }

    def _counted(self) -> array[int]:
        """Return the number of pairs of each picture."""
        if self._counts is None:
            self._counts = array("I")
            self._captions = 0
            for row in self._all_rows():
                self._counts.append(captions_in(row.captions))
                self._captions += self._counts[-1] if row.captions else 0
        return self._counts

    def _rows(self, skip: int) -> Iterator[Row | int]:
        first = 0
        if skip:
            for count in self._counted():
                if count > skip:
                    break
                skip -= count
                first += 1
                yield count
        yield from self._all_rows(first)

    def _all_rows(self, first: int = 0) -> Iterator[Row]:
        """Yield a row for each picture, from the ``first`` on."""
        for name, text in zip(self.names[first:], self.texts[first:], strict=True):
            path, problem = join(self.folder, name), ""
            captions: str | list[str] = ""
            if text is None:
                problem = f"it has no caption: {stem_of(path) + TEXT!r} does not exist"
            else:
                caption = join(self.folder, text)
                try:
                    captions = lines_of(decode_text(read_file(caption)))
                except (OSError, UnicodeError) as error:
                    problem = f"its caption {caption!r} cannot be read: {summarize_error(error)}"
            yield Row(stem_of(name), path, path, captions, None, problem)
