"""Pairs from WebDataset shards: tar files of pictures and their captions."""

from __future__ import annotations

import json
import os
import posixpath
import re
import tarfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ...core.errors import summarize_error
from ...images import remote
from ...images.remote import local_path
from ..pairs import Contents, LeftOut
from .base import BlockSource, fingerprint_files
from .columns import CAPTION_NAMES, COLUMN_OPTIONS, Options, find_column, in_fractions, text_of
from .files import PICTURES, add_contents
from .rows import Row, captions_in, ids_of, is_missing, lines_of

SUFFIX = ".tar"
KEY = "__key__"
_TEXTS = ("txt", "caption")
_MAX_SCANNED_BYTES = 2 << 30  # larger sets of shards are not read only to count their pairs
_TAR_BLOCK = 512  # bytes of a header
_META = re.compile(
    r"(__[^/]*__|\.[^/]*|.*/\.[^/]*)($|/)"
)  # descriptions of the shard, hidden files
_MEMBER = re.compile(r"((?:.*/|)[^./]+)\.([^/]*)")  # key and suffix; the suffix has all dots
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}
COMPRESSED_SUFFIXES = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


class Member(NamedTuple):
    """A file in a tar file.

    Attributes:
        at: its number among the files there.
        name: its path there.
        start: its offset in bytes.
        size: its number of bytes.
        problem: why it cannot be read; empty if it can.
    """

    at: int
    name: str
    start: int
    size: int
    problem: str = ""


Members = dict[str, Member]  # by suffix, in lower case


@dataclass
class Shard:
    """The index of a tar file.

    Attributes:
        samples: the key of each sample, and its members by their suffix.
        unused: names of the members that belong to no sample, such as ``README`` without a suffix.
        problem: why the rest of the file could not be read; empty if all was read.
    """

    samples: list[tuple[str, Members]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    problem: str = ""


class WebDataset(BlockSource):
    """Samples of tar files, one block for each shard. Shards are indexed from their headers when needed."""

    kind = "webdataset"

    def __init__(self, paths: Sequence[str], options: Options, source: str) -> None:
        """Check that the first shard that can be read has pictures and captions.

        Args:
            paths: of the shards, in order.
            options: ``image_column`` is a suffix, ``caption_column`` a suffix or a field of the ``.json``,
                ``id_column`` such a field or ``"__key__"``, ``box_column`` such a field.
            source: names all shards.

        Raises:
            ValueError: no shard can be read, or there are no pictures or captions.
        """
        self.paths, self.options, self.source = list(paths), options, source
        self._counts: dict[int, int] = {}
        self._contents: dict[int, Contents] = {}
        self._has_marks = False  # whether a key contains "#", as the ids of captions in a list do
        self._cached: tuple[int, Shard] | None = None
        self._suffixes = tuple(
            [suffix.lstrip(".") for suffix in PICTURES]
            if options.image_column is None
            else [options.image_column.lstrip(".").lower()]
        )
        parts = [path.replace(os.sep, "/").split("/") for path in self.paths]
        levels = zip(*(one[:-1] for one in parts), strict=False)
        common = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
        # A shard's name is the beginning of its ids: with its folder if there are shards in several.
        self._names = ["/".join(one[common:]).rpartition(".")[0] for one in parts]
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
            self._counts[block] = bool(shard.problem)
            pictures = captions = 0
            further: list[str] = []
            with _opened(self.paths[block]) as file:
                for key, members in shard.samples:
                    self._has_marks |= "#" in key
                    count = captions_in(value := self._caption(file, members))
                    self._counts[block] += count
                    captions += 0 if is_missing(value) else count
                    images = [one.name for end, one in members.items() if self._is_picture(end)]
                    pictures += len(images)
                    further += images[1:]
            left = (("further pictures of a sample", further), ("files of no sample", shard.unused))
            self._contents[block] = Contents(
                pictures, captions, tuple(LeftOut(why, len(n), n[0]) for why, n in left if n)
            )
        return self._counts[block]

    def count(self) -> int | None:
        """Return the number of pairs; ``None`` for large sets of shards that have not been read yet."""
        is_read = len(self._counts) == len(self.paths)
        if not is_read and sum(map(remote.size, self.paths)) > _MAX_SCANNED_BYTES:
            return None
        return super().count()

    def contents(self) -> Contents:
        """Return the numbers of pictures and captions; unknown for large sets that have not been read."""
        if self.count() is None:
            return Contents()
        return add_contents(self._contents.values())

    def may_repeat(self) -> bool:
        """Return whether ids come from a field, or a key looks like the id of a caption in a list.

        Large sets of shards are not read for this.
        """
        return self.options.id_column is not None or (self.count() is not None and self._has_marks)

    def ids(self) -> Iterator[str]:
        """Yield the ids of all pairs in the data, without reading pictures."""
        for block, path in enumerate(self.paths):
            with _opened(path) as file:
                shard = self._shard(block)
                for key, members in shard.samples:
                    name = self._name(block, key, self._fields(file, members))
                    captions = self._caption(file, members)
                    yield from ids_of(name, captions)
            if shard.problem:
                yield self._names[block]

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
                    yield self._row(file, block, key, members, captions)
        if shard.problem:
            problem = f"the rest of the shard {path!r} is lost: {shard.problem}"
            yield Row(self._names[block], None, path, "", None, problem)

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
        return super().__getstate__() | {"_cached": None}

    def _shard(self, number: int) -> Shard:
        if self._cached is None or self._cached[0] != number:
            texts = (*_TEXTS, (self.options.caption_column or "txt").lstrip(".").lower())
            shard = read_shard(self.paths[number], self._suffixes, texts)
            if shard.problem and shard.samples and not self._is_complete(shard.samples[-1][1]):
                shard.samples.pop()
            self._cached = number, shard
        return self._cached[1]

    def _is_picture(self, suffix: str) -> bool:
        return suffix in self._suffixes or (
            self.options.image_column is None and f".{suffix.rpartition('.')[2]}" in PICTURES
        )

    def _is_complete(self, members: Members) -> bool:
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
            missing = ", ".join(f".{suffix}" for suffix in self._suffixes[:4])
            missing += " or another suffix of pictures" if len(self._suffixes) > 1 else ""
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

    def _caption(self, file: BinaryIO, members: Members) -> Any:
        column = self.options.caption_column
        texts = _TEXTS if column is None else (column.lstrip(".").lower(),)
        for suffix in texts:
            if suffix in members and suffix != "json":
                # Bytes that are not UTF-8 become surrogates, so that only this pair fails.
                return lines_of(_read(file, members[suffix]).decode("utf-8", "surrogateescape"))
        fields = self._fields(file, members)
        usual = CAPTION_NAMES if column is None else (column.lower(),)
        name = find_column(fields, None, usual, "", "")
        return None if name is None else fields[name]

    def _fields(self, file: BinaryIO, members: Members) -> dict[str, Any]:
        """Return the content of a sample's .json; an empty dict if it is missing or damaged."""
        if "json" not in members:
            return {}
        try:
            fields = json.loads(_read(file, members["json"]))
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _name(self, block: int, key: str, fields: dict[str, Any]) -> str:
        """Return the id of a sample."""
        column = self.options.id_column
        name = None if column in (None, KEY) else fields.get(column)
        if is_missing(name):
            return key if column == KEY else f"{self._names[block]}/{key}"
        return str(name)

    def _row(self, file: BinaryIO, block: int, key: str, members: Members, captions: Any) -> Row:
        suffix = next((name for name in self._suffixes if name in members), None)
        image = None if suffix is None else _read(file, members[suffix])
        place = f"{self.paths[block]}#{key}" + ("" if suffix is None else f".{suffix}")
        fields, box = {}, None
        if self.options.box_column or self.options.id_column not in (None, KEY):
            fields = self._fields(file, members)
            box = fields.get(self.options.box_column or "")
        problem = next((one.problem for one in members.values() if one.problem), "")
        if suffix is None and not problem:
            problem = f"it has no picture, only {text_of(sorted(members))}"
        fractions = in_fractions(self.options.box_column)
        name = self._name(block, key, fields)
        return Row(name, image, place, captions, box, problem, fractions)


def read_shard(path: str, pictures: Sequence[str] = (), texts: Sequence[str] = _TEXTS) -> Shard:
    """Return the index of a tar file. Only headers are read.

    Members with one key are a sample, wherever they are in the file. The key of ``a/dog.mask.png`` is
    ``a/dog``, its suffix ``mask.png`` in lower case; but if there is ``a/dog.mask.txt`` too, or no other
    picture of ``a/dog``, the key is ``a/dog.mask``. Names are compared in Unicode's form NFC.

    Args:
        path: of the file. If it is damaged or cut short, the samples before the damage are returned.
        pictures: suffixes of pictures.
        texts: suffixes of captions.

    Reference:
        https://github.com/webdataset/webdataset, ``group_by_keys``, which takes only members side by side.
    """
    shard, members, links = Shard(), list[Member](), list[tuple[int, str]]()
    try:
        local = local_path(path)
        size = os.path.getsize(local)  # noqa: PTH202
        with tarfile.open(local, "r:") as tar:
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would collect all headers
                name = _normal(info.name)
                if info.isdir() or _META.match(name):
                    continue
                member = Member(len(members), name, info.offset_data, info.size)
                if info.issym() or info.islnk():
                    folder = posixpath.dirname(name) if info.issym() else ""
                    links.append((member.at, _normal(posixpath.join(folder, info.linkname))))
                    problem = f"its file {name!r} is a link to {info.linkname!r}, not in the shard"
                    members.append(member._replace(start=0, size=0, problem=problem))
                elif info.issparse():
                    problem = f"its file {name!r} is sparse; write the shard without --sparse"
                    members.append(member._replace(start=0, size=0, problem=problem))
                elif info.offset_data + info.size > size:
                    shard.problem = f"it is cut short within {info.name!r}"
                    break
                elif info.isreg():
                    members.append(member)
            shard.problem = shard.problem or _end_problem(tar, size)
    except (OSError, tarfile.TarError, ValueError) as error:
        shard.problem = f"it cannot be read on: {summarize_error(error)}"
        with _opened(path) as file:
            if kind := _COMPRESSED.get(file.read(2)):
                shard.problem = (
                    f"it is compressed ({kind}), so that no position can be read; decompress it"
                )
    by_name = {member.name: member for member in members if not member.problem}
    for n, target in links:
        members[n] = by_name.get(target, members[n])._replace(at=n, name=members[n].name)
    groups: dict[str, list[Member]] = {}
    for member in members:
        parts = _MEMBER.fullmatch(member.name)
        if parts is None:
            shard.unused.append(member.name)
        else:
            groups.setdefault(parts[1], []).append(member)
    samples = [one for key, group in groups.items() for one in _split(key, group, pictures, texts)]
    kinds = {**dict.fromkeys((*texts, "json"), 1), **dict.fromkeys(pictures, 0)}
    with _opened(path) as file:
        for key, members_of_key in _resolve(file, samples, kinds):
            shard.samples.append((key, members_of_key))
    return shard


def _split(
    key: str, group: list[Member], pictures: Sequence[str], texts: Sequence[str]
) -> Iterator[tuple[str, list[Member]]]:
    """Yield the samples among members whose names begin with a key.

    ``img.1.jpg``, ``img.1.txt``, ``img.2.jpg``, ``img.2.txt`` are the samples ``img.1`` and ``img.2``.
    """
    stems: dict[str, list[Member]] = {}
    for member in group:
        stems.setdefault(member.name.rpartition(".")[0], []).append(member)
    ends = {s: {one.name.rpartition(".")[2].lower() for one in stem} for s, stem in stems.items()}
    plain = {member.name[len(key) + 1 :].lower() for member in group}
    alone = plain & set(pictures)  # pictures of the whole group
    rest: list[Member] = []
    for stem, members in stems.items():
        captions = texts if alone else (*texts, "json")
        dotted = stem != key and not any("." in suffix for suffix in pictures)
        if dotted and ends[stem] & set(pictures) and ends[stem] & set(captions):
            yield stem, members
        else:
            rest += members
    if rest:
        yield key, rest


def _resolve(
    file: BinaryIO, samples: list[tuple[str, list[Member]]], kinds: dict[str, int]
) -> Iterator[tuple[str, Members]]:
    """Yield the members of each sample by suffix.

    If a sample has two different files of one name, its members are divided into runs that lie side by side,
    in the order of the other samples: a picture and its caption, or the reverse. The runs that have both are
    samples; the others fail, and so do all if the runs do not tell which caption belongs to which picture.

    Args:
        file: the shard.
        samples: keys and members.
        kinds: 0 for each suffix of pictures, 1 for each of captions.
    """
    sorted_samples = []
    pictures_first = 0
    for key, members in samples:
        kept: dict[str, list[Member]] = {}
        for member in members:
            others = kept.setdefault(member.name[len(key) + 1 :].lower(), [])
            if not any(_are_equal(file, member, other) for other in others):
                others.append(member)
        sorted_samples.append((key, kept))
        first = next((kinds[suffix] for suffix in kept if suffix in kinds), None)
        pictures_first += 0 if first is None else 1 - 2 * first
    for key, kept in sorted_samples:
        if all(len(same) == 1 for same in kept.values()):
            yield key, {suffix: same[0] for suffix, same in kept.items()}
            continue
        twice = next(suffix for suffix, same in kept.items() if len(same) > 1)
        problem = (
            f"the shard has two different files {key + '.' + twice!r}, and which one is meant is not known; "
            "write it again with each name once"
        )
        runs = _runs(kept, kinds, 0 if pictures_first >= 0 else 1)
        complete = [len({kinds[s] for s in run if s in kinds}) == 2 for run in runs]
        counts = [sum(len(kept[s]) for s in kept if kinds.get(s) == kind) for kind in (0, 1)]
        clear = all(complete) or min(counts) == 1
        for n, (run, is_complete) in enumerate(zip(runs, complete, strict=True), 1):
            name = key if n == 1 else f"{key}#{n}"
            if clear and is_complete:
                yield name, run
            else:
                yield name, {suffix: one._replace(problem=problem) for suffix, one in run.items()}


def _runs(kept: dict[str, list[Member]], kinds: dict[str, int], first: int) -> list[Members]:
    """Return members in runs, each of which has a suffix once and begins with the ``first`` kind."""
    runs: list[Members] = []
    last = -1
    every = sorted((one.at, suffix, one) for suffix, same in kept.items() for one in same)
    for at, suffix, member in every:
        is_next = runs and suffix not in runs[-1] and at == last + 1
        if not is_next or kinds.get(suffix) == first:
            runs.append({})
        runs[-1][suffix] = member
        last = at
    return runs


def _are_equal(file: BinaryIO, one: Member, other: Member) -> bool:
    return (one.start, one.size) == (other.start, other.size) or (
        one.size == other.size and _read(file, one) == _read(file, other)
    )


def _normal(name: str) -> str:
    """Return the name of a member in one form: ``./a.png`` is ``a.png``, and letters are composed."""
    return unicodedata.normalize("NFC", posixpath.normpath(name))


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
    """Return a file opened for reading; an empty file in place of one that cannot be read."""
    try:
        return Path(local_path(path)).open("rb")
    except (OSError, ValueError):
        return Path(os.devnull).open("rb")


def _read(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.start)
    return file.read(member.size)
