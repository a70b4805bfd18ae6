"""Begin and end a run in a folder in which an earlier start has explained pairs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..identity import UNKNOWN, stamp_of
from ..pairs import FailedPair, Pair, PairSource
from .account import Account
from .dataset_run import open_run
from .earlier import EarlierRows, keys_of_files
from .folder import RunFolder, before_files, pairs_files
from .record import Record, read_record
from .schema import RUN

_COLUMNS = ["id", "position", "caption", "image", "box", "stamp"]


def take_up(folder: RunFolder, source: PairSource, record: Record) -> EarlierRows:
    """Set aside the parts that have to be made again, and return their rows, to take them over.

    Args:
        folder: of the run.
        source: as it is now.
        record: of the run, with the source as it is now.
    """
    stored = read_record(folder.path) if (folder.path / RUN).exists() else None
    if stored is not None:
        stale = stale_parts(folder, source, stored)
        folder.set_aside(sorted(stale))
    # Only now: a program that ended in between would find the present source with parts of an earlier one.
    if stored is None or stale or stored.get("source") != _as_read(record["source"]):
        folder.write_record(record)
    return EarlierRows(before_files(folder.path))


def settle(folder: RunFolder, source: PairSource) -> Account:
    """Delete the earlier rows whose pairs are in the parts now, and return the account of the run."""
    before = before_files(folder.path)
    left = set[bytes]()
    if before:
        present = keys_of_files(pairs_files(folder.path))
        for file in before:
            keys = keys_of_files([file])
            if keys <= present:
                file.unlink()
            else:
                left |= keys - present
    run = open_run(folder.path)
    return Account.of(
        source.contents(), run.explained, run.taken_over, run.failures.summary(), len(left)
    )


def stale_parts(folder: RunFolder, source: PairSource, stored: Record) -> set[int]:
    """Return the numbers of the complete parts that have to be made again.

    These are parts with failed pairs, which are tried again; with pairs that the source does not have any
    more, or has in another place; and with pictures whose file may have changed. Pictures are not read.

    Args:
        folder: of the run.
        source: as it is now.
        stored: the record of the earlier start.
    """
    now = _as_read(source.description())
    complete = folder.complete_parts()
    stale = {number for number in complete if folder.failures_in(number)}
    size, count = folder.rows_per_part, source.count()
    if now == stored.get("source"):
        for number in sorted(complete - stale):
            rows = folder.read_part(number, ["position", "image", "stamp"]) or []
            stop = number * size + len(rows)
            whole = len(rows) == size or count in (None, stop)
            positions = [row["position"] for row in rows]
            if not (whole and positions == list(range(number * size, stop))) or not all(
                map(_same_file, rows)
            ):
                stale.add(number)
        return stale
    checked = set[int]()
    for number, pairs in itertools.groupby(source.pairs(), lambda pair: pair.position // size):
        if number in complete - stale:
            checked.add(number)
            if not _same_pairs(folder.read_part(number, _COLUMNS), pairs):
                stale.add(number)
    return stale | (complete - checked)


def _as_read(description: Record) -> Record:
    """Return a description as it is read from a record."""
    read: Record = json.loads(json.dumps(description))
    return read


def _same_file(row: Mapping[str, Any]) -> bool:
    stamp: str = row["stamp"]
    return not stamp or (stamp != UNKNOWN and stamp == stamp_of(row["image"]))


def _same_pairs(
    rows: Sequence[Mapping[str, Any]] | None, pairs: Iterable[Pair | FailedPair]
) -> bool:
    """Return whether rows are of these pairs, of pictures in files that have not changed.

    Pictures inside a source have no file of which that is known: they are compared when they are read.
    """
    if rows is None:
        return False
    for row, pair in itertools.zip_longest(rows, pairs):
        if row is None or not isinstance(pair, Pair) or not row["stamp"] or not _same_file(row):
            return False
        box = None if row["box"] is None else tuple(row["box"])
        if (row["id"], row["position"], row["caption"], row["image"], box) != (
            pair.id,
            pair.position,
            pair.caption,
            pair.place,
            pair.box,
        ):
            return False
    return True
