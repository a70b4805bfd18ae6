"""The samples of a tar file as WebDataset has them, and where their members lie."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ....core.errors import summarize_error
from ...libraries import require

_BLOCK = 512  # bytes of a header
_META = re.compile(r"__[^/]*__($|/)")  # WebDataset's own: what describes the shard

Member = tuple[int, int]  # where it begins, and how many bytes it has


@dataclass
class Shard:
    """What lies in a tar file.

    Attributes:
        samples: of each, its key and its members by their suffix, in order.
        problem: why the rest of the file could not be read; empty where all of it was.
    """

    samples: list[tuple[str, dict[str, Member]]] = field(default_factory=list)
    problem: str = ""


def read_shard(path: str) -> Shard:
    """Return the samples of a tar file. Only headers are read; members with one key are a sample.

    Args:
        path: of the file. If it is damaged or cut short, what comes before that is returned.

    Raises:
        ModuleNotFoundError: webdataset is not installed.
    """
    grouping = require("webdataset.tariterators", "WebDataset shards")
    shard = Shard()
    groups = grouping.group_by_keys(_members(path, shard), handler=lambda _: True)
    for group in groups:
        members = {name: where for name, where in group.items() if isinstance(where, tuple)}
        shard.samples.append((group["__key__"], members))
    return shard


def _members(path: str, shard: Shard) -> Iterator[dict[str, Any]]:
    try:
        size = os.path.getsize(path)  # noqa: PTH202
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # it keeps every header otherwise
                if member.offset_data + member.size > size:
                    shard.problem = f"it is cut short within {member.name!r}"
                    return
                if member.isreg() and not _META.match(member.name):
                    where = member.offset_data, member.size
                    yield {"fname": member.name, "data": where, "__url__": path}
            shard.problem = _end_problem(tar, size)
    except (OSError, tarfile.TarError, ValueError) as error:
        shard.problem = f"it cannot be read on: {summarize_error(error)}"


def _end_problem(tar: tarfile.TarFile, size: int) -> str:
    """Return what is wrong where the last header was looked for: Python takes a damaged one for the end."""
    if tar.offset >= size:
        return ""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    block = tar.fileobj.read(_BLOCK)
    if block.strip(b"\0") or len(block) < _BLOCK:
        return f"it is damaged at byte {tar.offset}"
    return ""
