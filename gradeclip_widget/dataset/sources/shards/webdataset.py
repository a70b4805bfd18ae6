"""Pairs from WebDataset shards: tar files of pictures and their captions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ...pairs import FailedPair, Pair
from ..base import BlockSource
from ..columns import CAPTION_NAMES, Options, find_column, text_of
from ..fingerprint import of_files
from ..rows import Row, captions_in, is_missing, pairs_of
from .tar import Member, Shard, read_shard

SUFFIX = ".tar"
KEY = "__key__"
_PICTURES = ("jpg", "jpeg", "png", "webp")
_TEXTS = ("txt", "caption")
_COUNTED = (
    2 << 30
)  # bytes of shards up to which all are looked through to know how many pairs there are


class WebDataset(BlockSource):
    """Samples of tar files, shard after shard. Shards are indexed by their headers when first needed."""

    kind = "webdataset"

    def __init__(self, paths: Sequence[Path], options: Options, source: str) -> None:
        """Look for a picture and a caption in the first shard that can be read.

        Args:
            paths: of the shards, in order.
            options: ``image_column`` is a suffix, ``caption_column`` a suffix or a field of the ``.json``,
                ``id_column`` such a field or ``"__key__"``, ``box_column`` such a field.
            source: what stands for all the paths.

        Raises:
            ValueError: no shard can be read, or there are no pictures or captions.
            ModuleNotFoundError: webdataset is not installed.
        """
        self.paths, self.options, self.source = [str(path) for path in paths], options, source
        self._counts: dict[int, int] = {}
        self._kept: tuple[int, Shard] | None = None
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
        """Return how many shards there are."""
        return len(self.paths)

    def pairs_in(self, block: int) -> int:
        """Return how many pairs a shard has; its headers are read the first time."""
        if block not in self._counts:
            shard = self._shard(block)
            with _opened(self.paths[block]) as file:
                pairs = sum(
                    captions_in(self._caption(file, members)) for _, members in shard.samples
                )
            self._counts[block] = pairs + bool(shard.problem)
        return self._counts[block]

    def count(self) -> int | None:
        """Return how many pairs there are; ``None`` where shards are large and not looked through yet."""
        if len(self._counts) < len(self.paths):
            sizes = (os.stat(path).st_size for path in self.paths if Path(path).exists())  # noqa: PTH116
            if sum(sizes) > _COUNTED:
                return None
        return super().count()

    def block_pairs(self, block: int, first: int, skip: int) -> Iterator[Pair | FailedPair]:
        """Yield the pairs of a shard; the last one says why the rest of a damaged shard is lost."""
        shard, path = self._shard(block), self.paths[block]
        position, wanted = first, first + skip
        with _opened(path) as file:
            for key, members in shard.samples:
                captions = self._caption(file, members)
                count = captions_in(captions)
                if position + count > wanted:
                    pairs = pairs_of(self._row(file, path, key, members, captions), position)
                    yield from pairs[max(wanted - position, 0) :]
                position += count
        if shard.problem:
            problem = f"the rest of the shard {path!r} is lost: {shard.problem}"
            yield from pairs_of(Row(Path(path).stem, None, path, "", None, problem), position)

    def description(self) -> dict[str, Any]:
        """Return what the shards are, the columns, and a fingerprint of their sizes and times."""
        names = ("image_column", "caption_column", "id_column", "box_column")
        given = {name: getattr(self.options, name) for name in names}
        return {
            "kind": self.kind,
            "source": self.source,
            "options": {name: value for name, value in given.items() if value is not None},
            "shards": len(self.paths),
            "fingerprint": of_files(self.paths),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the number of pairs in every shard, but no shard's index."""
        return self.__dict__ | {"_kept": None}

    def _shard(self, number: int) -> Shard:
        if self._kept is None or self._kept[0] != number:
            shard = read_shard(self.paths[number])
            if shard.problem and shard.samples and not self._is_whole(shard.samples[-1][1]):
                shard.samples.pop()  # the damage cut it
            self._kept = number, shard
        return self._kept[1]

    def _is_whole(self, members: dict[str, Member]) -> bool:
        texts = (*_TEXTS, "json", self.options.caption_column)
        return any(s in members for s in self._suffixes) and any(t in members for t in texts)

    def _check(self, number: int, shard: Shard) -> None:
        """Refuse shards whose first samples all lack what the options or the usual suffixes name."""
        with _opened(self.paths[number]) as file:
            some = [(m, self._caption(file, m)) for _, m in shard.samples[:100]]
            fields = self._fields(file, some[0][0])
        suffixes = ", ".join(sorted({f".{suffix}" for members, _ in some for suffix in members}))
        where = f"the samples of {self.paths[number]!r} have {suffixes or 'no members'}"
        if not any(suffix in members for members, _ in some for suffix in self._suffixes):
            wanted = " or ".join(f".{suffix}" for suffix in self._suffixes)
            raise ValueError(f"{where}, no pictures {wanted}; give their suffix as image_column=")
        if all(caption is None for _, caption in some):
            if self.options.caption_column is None:
                wanted = "no captions .txt or .caption, and no .json with a field 'caption'"
            else:
                wanted = f"nothing that caption_column={self.options.caption_column!r} names"
            held = f" (the .json has {', '.join(map(repr, fields))})" if fields else ""
            raise ValueError(
                f"{where}{held}, {wanted}; give their suffix, or their field of the .json, as caption_column="
            )

    def _caption(self, file: BinaryIO, members: dict[str, Member]) -> Any:
        given = self.options.caption_column
        texts = _TEXTS if given is None else (given.lstrip(".").lower(),)
        for suffix in texts:
            if suffix in members and suffix != "json":
                # Bytes that are not UTF-8 are kept as such: the pair with them fails, and says so.
                return _read(file, members[suffix]).decode("utf-8", "surrogateescape")
        fields = self._fields(file, members)
        name = find_column(
            fields, None, CAPTION_NAMES if given is None else (given.lower(),), "", ""
        )
        return None if name is None else fields[name]

    def _fields(self, file: BinaryIO, members: dict[str, Member]) -> dict[str, Any]:
        """Return what a sample's .json holds; nothing where it has none or it cannot be read."""
        if "json" not in members:
            return {}
        try:
            found = json.loads(_read(file, members["json"]))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

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
            found = fields.get(self.options.id_column or "")
            name = name if is_missing(found) else str(found)
        problem = ""
        if suffix is None:
            problem = f"it has no picture, only {text_of(sorted(members))}"
        return Row(name, image, place, captions, box, problem)


def _opened(path: str) -> BinaryIO:
    """Return a file opened for reading; an empty one in place of a file that is gone."""
    try:
        return Path(path).open("rb")
    except OSError:
        return Path(os.devnull).open("rb")


def _read(file: BinaryIO, member: Member) -> bytes:
    start, size = member
    file.seek(start)
    return file.read(size)
