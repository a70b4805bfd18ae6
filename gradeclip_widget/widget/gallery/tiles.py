"""What the front end gets of a pair: its caption and numbers as JSON, its picture and maps as bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .disagreement import NOWHERE, disagreements
from .reader import MAP_COLUMNS, Maps, RowReader

_TEXTS = ("id", "caption", "words", "image")
_NUMBERS = ("position", "score", "concentration", "energy", "importances")
TILE_COLUMNS = (*_TEXTS, *_NUMBERS, *MAP_COLUMNS, "thumbnail")

Tile = dict[str, Any]


def tiles(
    rows: NDArray[np.int64], reader: RowReader, other: tuple[RowReader, NDArray[np.int64]] | None
) -> tuple[list[Tile], list[bytes]]:
    """Return rows for the front end.

    Args:
        rows: row numbers.
        reader: of the run, with `TILE_COLUMNS`.
        other: the reader of the run to compare with, and its row of each of ours.

    Returns:
        For each row a dictionary, and two buffers that it points into: all thumbnails, and all maps as
        little-endian float32.
    """
    table = reader.take(rows)
    maps = Maps.of(table)
    light = table.select([*_TEXTS, *_NUMBERS]).to_pylist()
    pictures, values = _Bytes(), _Bytes()
    found: list[Tile] = []
    for n, (tile, small) in enumerate(zip(light, table.column("thumbnail"), strict=True)):
        tile["thumbnail"] = pictures.add(small.as_buffer()) if small.is_valid else None
        tile["size"] = maps.sizes[n].tolist()
        tile["map"] = _map(maps, n, values)
        tile["other"] = tile["disagreement"] = None
        found.append(_json(tile))
    if other is not None:
        _add_other(found, rows, maps, other, values)
    return found, [pictures.joined(), values.joined()]


def _add_other(
    found: list[Tile],
    rows: NDArray[np.int64],
    ours: Maps,
    other: tuple[RowReader, NDArray[np.int64]],
    values: _Bytes,
) -> None:
    """Add the maps of the other run, and how far they disagree, to the tiles that it has too."""
    reader, partners = other
    both = np.flatnonzero(partners[rows] != NOWHERE)
    if not len(both):
        return
    theirs = Maps.of(reader.take(partners[rows[both]]))
    apart = disagreements(_chosen(ours, both), theirs)
    for n, index in enumerate(both):
        found[index]["other"] = _map(theirs, n, values)
        found[index]["disagreement"] = None if np.isnan(apart[n]) else float(apart[n])


def _chosen(maps: Maps, rows: NDArray[np.int64]) -> Maps:
    """Return some of the maps."""
    parts = [maps[int(n)].ravel() for n in rows]
    grids = maps.grids[rows]
    starts = np.concatenate([[0], np.cumsum(grids.prod(1))])
    return Maps(np.concatenate(parts), starts, grids, maps.sizes[rows], maps.covers[rows])


def _map(maps: Maps, index: int, values: _Bytes) -> dict[str, Any]:
    rows, cols = maps.grids[index].tolist()
    data = maps[index].astype("<f4").tobytes()
    start, length = values.add(data)
    return {
        "grid": [rows, cols],
        "cover": maps.covers[index].tolist(),
        "at": [start // 4, length // 4],
    }


def _json(tile: Tile) -> Tile:
    """Return a tile whose numbers JSON can hold."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in tile.items()
    }


class _Bytes:
    """Bytes put together from parts, each of which is found again by where it starts and its length."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._length = 0

    def add(self, part: Any) -> list[int]:
        start, length = self._length, len(part)
        self._parts.append(part)
        self._length += length
        return [start, length]

    def joined(self) -> bytes:
        return b"".join(_as_bytes(self._parts))


def _as_bytes(parts: Iterable[Any]) -> Iterable[memoryview]:
    return (memoryview(part) for part in parts)
