"""Pairs from WebDataset shards: tar files of pictures and their captions."""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ...core.errors import summarize_error
from .base import BlockSource, fingerprint_files
from .columns import CAPTION_NAMES, COLUMN_OPTIONS, Options, find_column, in_fractions, text_of
from .rows import Row, captions_in, is_missing

SUFFIX = ".tar"
KEY = "__key__"
_PICTURES = ("jpg", "jpeg", "png", "webp")
_TEXTS = ("txt", "caption")
_MAX_SCANNED_BYTES = 2 << 30  # larger sets of shards are not read only to count their pairs
_TAR_BLOCK = 512  # bytes of a header
_META = re.compile(r"__[^/]*__($|/)")  # members that describe the shard
_MEMBER = re.compile(r"((?:.*/|)[^.]+)\.([^/]*)")  # key and suffix; the suffix has all dots

Member = tuple[int, int]  # offset and number of bytes


@dataclass
class Shard:
    """The index of a tar file.

    Attributes:
        samples: the key of each sample, and its members by their suffix.
        problem: why the rest of the file could not be read; empty if all was read.
    """

    samples: list[tuple[str, dict[str, Member]]] = field(default_factory=list)
    problem: str = ""


class WebDataset(BlockSource):
    """Samples of tar files, one block for each shard. Shards are indexed from their headers when needed."""

    kind = "webdataset"

    def __init__(self, paths: Sequence[Path], options: Options, source: str) -> None:
        """Check that the first shard that can be read has pictures and captions.

        Args:
            paths: of the shards, in order.
            options: ``image_column`` is a suffix, ``caption_column`` a suffix or a field of the ``.json``,
                ``id_column`` such a field or ``"__key__"``, ``box_column`` such a field.
            source: names all shards.

        Raises:
            ValueError: no shard can be read, or there are no pictures or captions.
        """
        self.paths, self.options, self.source = [str(path) for path in paths], options, source
        self._counts: dict[int, int] = {}
        self._cached: tuple[int, Shard] | None = None
        self._suffixes = tuple(
            _PICTURES
            if options.image_column is None
            else [options.image_column.lstrip(".").lower()]
        )
        for number in range(len(self.paths)):
            if (shard := self._shard(number)).samples:
                self._check(number, shard)
                return
        problem = f": {shard.problem}" if shard.problem else ""
        raise ValueError(f"no samples in {source!r}; the last shard, {self.paths[-1]!r}{problem}")

    def blocks(self) -> int:
        """Return the number of shards."""
        return len(self.paths)

    def pairs_in(self, block: int) -> int:
        """Return the number of pairs in a shard; the first call reads its headers and captions."""
        if block not in self._counts:
            shard = self._shard(block)
            with _opened(self.paths[block]) as file:
                pairs = sum(
                    captions_in(self._caption(file, members)) for _, members in shard.samples
                )
            self._counts[block] = pairs + bool(shard.problem)
        return self._counts[block]

    def count(self) -> int | None:
        """Return the number of pairs; ``None`` for large sets of shards that have not been read yet."""
        if len(self._counts) < len(self.paths):
            sizes = (os.stat(path).st_size for path in self.paths if Path(path).exists())  # noqa: PTH116
            if sum(sizes) > _MAX_SCANNED_BYTES:
                return None
        return super().count()

    def block_rows(self, block: int, skip: int) -> Iterator[Row | int]:
        """Yield the rows of a shard; if it is damaged, the last row fails with the reason."""
        shard, path = self._shard(block), self.paths[block]
        with _opened(path) as file:
            for key, members in shard.samples:
                captions = self._caption(file, members)
                skip -= captions_in(captions)
                if skip >= 0:
                    yield captions_in(captions)
                else:
                    yield self._row(file, path, key, members, captions)
        if shard.problem:
            problem = f"the rest of the shard {path!r} is lost: {shard.problem}"
            yield Row(Path(path).stem, None, path, "", None, problem)

    def description(self) -> dict[str, Any]:
        """Return the shards, the options, and a fingerprint of the files' sizes and times."""
        options = {name: getattr(self.options, name) for name in COLUMN_OPTIONS}
        return {
            "kind": self.kind,
            "source": self.source,
            "options": {name: value for name, value in options.items() if value is not None},
            "shards": len(self.paths),
            "fingerprint": fingerprint_files(self.paths),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to be pickled: the number of pairs in every shard, but no index."""
        return self.__dict__ | {"_cached": None}

    def _shard(self, number: int) -> Shard:
        if self._cached is None or self._cached[0] != number:
            shard = read_shard(self.paths[number])
            if shard.problem and shard.samples and not self._is_complete(shard.samples[-1][1]):
                shard.samples.pop()
            self._cached = number, shard
        return self._cached[1]

    def _is_complete(self, members: dict[str, Member]) -> bool:
        texts = (*_TEXTS, "json", self.options.caption_column)
        return any(s in members for s in self._suffixes) and any(t in members for t in texts)

    def _check(self, number: int, shard: Shard) -> None:
        """Raise ``ValueError`` if the first samples have no pictures or no captions under these names."""
        with _opened(self.paths[number]) as file:
            samples = [(m, self._caption(file, m)) for _, m in shard.samples[:100]]
            fields = self._fields(file, samples[0][0])
        suffixes = ", ".join(sorted({f".{suffix}" for members, _ in samples for suffix in members}))
        where = f"the samples of {self.paths[number]!r} have {suffixes or 'no members'}"
        if not any(suffix in members for members, _ in samples for suffix in self._suffixes):
            missing = " or ".join(f".{suffix}" for suffix in self._suffixes)
            raise ValueError(f"{where}, no pictures {missing}; give their suffix as image_column=")
        if all(caption is None for _, caption in samples):
            if self.options.caption_column is None:
                missing = "no captions .txt or .caption, and no .json with a field 'caption'"
            else:
                missing = f"no member and no field caption_column={self.options.caption_column!r}"
            names = f" (the .json has {', '.join(map(repr, fields))})" if fields else ""
            raise ValueError(
                f"{where}{names}, {missing}; give their suffix, or field of the .json, as caption_column="
            )

    def _caption(self, file: BinaryIO, members: dict[str, Member]) -> Any:
        column = self.options.caption_column
        texts = _TEXTS if column is None else (column.lstrip(".").lower(),)
        for suffix in texts:
            if suffix in members and suffix != "json":
                # Bytes that are not UTF-8 become surrogates, so that only this pair fails.
                return _read(file, members[suffix]).decode("utf-8", "surrogateescape")
        fields = self._fields(file, members)
        usual = CAPTION_NAMES if column is None else (column.lower(),)
        name = find_column(fields, None, usual, "", "")
        return None if name is None else fields[name]

    def _fields(self, file: BinaryIO, members: dict[str, Member]) -> dict[str, Any]:
        """Return the content of a sample's .json; an empty dict if it is missing or damaged."""
        if "json" not in members:
            return {}
        try:
            fields = json.loads(_read(file, members["json"]))
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _row(
        self, file: BinaryIO, path: str, key: str, members: dict[str, Member], captions: Any
    ) -> Row:
        suffix = next((name for name in self._suffixes if name in members), None)
        image = None if suffix is None else _read(file, members[suffix])
        place = f"{path}#{key}" + ("" if suffix is None else f".{suffix}")
        name, box = f"{Path(path).stem}/{key}", None
        if self.options.id_column == KEY:
            name = key
        if self.options.box_column or self.options.id_column not in (None, KEY):
            fields = self._fields(file, members)
            box = fields.get(self.options.box_column or "")
            pair_id = fields.get(self.options.id_column or "")
            name = name if is_missing(pair_id) else str(pair_id)
        problem = ""
        if suffix is None:
            problem = f"it has no picture, only {text_of(sorted(members))}"
        fractions = in_fractions(self.options.box_column)
        return Row(name, image, place, captions, box, problem, fractions)


def read_shard(path: str) -> Shard:
    """Return the index of a tar file. Only headers are read.

    Consecutive members with one key are a sample. The key of ``a/dog.mask.png`` is ``a/dog``, its suffix
    ``mask.png`` in lower case.

    Args:
        path: of the file. If it is damaged or cut short, the samples before the damage are returned.

    Reference:
        https://github.com/webdataset/webdataset, ``group_by_keys``.
    """
    shard = Shard()
    try:
        size = os.path.getsize(path)  # noqa: PTH202
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would collect all headers
                if member.offset_data + member.size > size:
                    shard.problem = f"it is cut short within {member.name!r}"
                    return shard
                name = _MEMBER.fullmatch(member.name)
                if not member.isreg() or _META.match(member.name) or name is None:
                    continue
                key, suffix = name[1], name[2].lower()
                if not shard.samples or shard.samples[-1][0] != key:
                    shard.samples.append((key, {}))
                shard.samples[-1][1].setdefault(suffix, (member.offset_data, member.size))
            shard.problem = _end_problem(tar, size)
    except (OSError, tarfile.TarError, ValueError) as error:
        shard.problem = f"it cannot be read on: {summarize_error(error)}"
    return shard


def _end_problem(tar: tarfile.TarFile, size: int) -> str:
    """Return the damage at the end of the members, if any: Python takes a damaged header for the end."""
    if tar.offset >= size:
        return ""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    block = tar.fileobj.read(_TAR_BLOCK)
    if block.strip(b"\0") or len(block) < _TAR_BLOCK:
        return f"it is damaged at byte {tar.offset}"
    return ""


def _opened(path: str) -> BinaryIO:
    """Return a file opened for reading; an empty file in place of one that was removed."""
    try:
        return Path(path).open("rb")
    except OSError:
        return Path(os.devnull).open("rb")


def _read(file: BinaryIO, member: Member) -> bytes:
    start, size = member
    file.seek(start)
    return file.read(size)
