"""Messages to the gallery's front end: rows with their pictures and maps, and failed pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...dataset.runs.dataset_run import Comparison, DatasetRun
from ...dataset.runs.disagreement import disagreements
from ...dataset.runs.reader import MAP_COLUMNS, Maps, RowReader
from ...dataset.runs.table import NO_ROW, Rows

_MAX_ROWS = 200  # in one answer
_TEXTS = ("id", "caption", "words", "image")
_NUMBERS = ("position", "score", "concentration", "energy", "box_seen", "importances")
TILE_COLUMNS = (*_TEXTS, "picture", *_NUMBERS, *MAP_COLUMNS, "thumbnail")

Message = dict[str, Any]
Tile = dict[str, Any]


class Answers:
    """Answers the requests of views.

    Attributes:
        reader: of the run's `TILE_COLUMNS`.

    Args:
        run: the run in the gallery.
        comparison: with another run, if any.
        reader: of the run's `TILE_COLUMNS`.
        send: sends a message with buffers to all views.
    """

    def __init__(
        self,
        run: DatasetRun,
        comparison: Comparison | None,
        reader: RowReader,
        send: Callable[[Message, list[bytes]], None],
    ) -> None:
        self._run, self._comparison, self.reader = run, comparison, reader
        self._send = send

    def rows(self, request: Message, order: Rows, generation: int) -> None:
        """Send rows ``start`` to ``stop`` of the order; nothing if the order has changed since the request.

        Args:
            request: ``start``, ``stop`` and ``generation``.
            order: row numbers in the present order.
            generation: of the present order.
        """
        if request["generation"] != generation:
            return
        start = max(0, int(request["start"]))
        rows = order[start : min(int(request["stop"]), start + _MAX_ROWS)]
        if len(rows):
            self._send_tiles({"kind": "rows", "generation": generation, "start": start}, rows)

    def pair(self, request: Message) -> None:
        """Send the pair with the ``id`` of the request, if it exists."""
        row = self._run.table.row_of(request["id"])
        if row is not None:
            self._send_tiles({"kind": "pair"}, np.array([row]))

    def errors(self, request: Message) -> None:
        """Send the failed pairs from ``start`` to ``stop``."""
        start = max(0, int(request["start"]))
        errors = self._run.failures.page(start, min(int(request["stop"]), start + _MAX_ROWS))
        self._send({"kind": "errors", "start": start, "errors": errors}, [])

    def _send_tiles(self, message: Message, rows: Rows) -> None:
        content, buffers = tiles(rows, self.reader, self._comparison)
        self._send(message | {"tiles": content}, buffers)


def tiles(
    rows: Rows, reader: RowReader, comparison: Comparison | None
) -> tuple[list[Tile], list[bytes]]:
    """Return rows for the front end.

    Args:
        rows: row numbers.
        reader: of the run's `TILE_COLUMNS`.
        comparison: with another run, if any.

    Returns:
        A dictionary for each row, and the two buffers that its offsets refer to: all thumbnails, and all maps
        as little-endian float32.
    """
    table = reader.take(rows)
    maps = Maps.of(table)
    light = table.select([*_TEXTS, *_NUMBERS]).to_pylist()
    pictures, values = _Buffer(), _Buffer()
    content: list[Tile] = []
    for n, (tile, thumbnail) in enumerate(zip(light, table.column("thumbnail"), strict=True)):
        tile["thumbnail"] = pictures.add(thumbnail.as_buffer()) if thumbnail.is_valid else None
        tile["size"] = maps.sizes[n].tolist()
        tile["map"] = _map(maps, n, values)
        tile["other"] = tile["disagreement"] = None
        content.append(_finite(tile))
    if comparison is not None:
        _add_other(content, rows, maps, comparison, values)
    return content, [pictures.joined(), values.joined()]


def _add_other(
    content: list[Tile], rows: Rows, ours: Maps, comparison: Comparison, values: _Buffer
) -> None:
    """Add the other run's map, and the disagreement, to the tiles of pairs that both runs have."""
    partners = comparison.partners[rows]
    shared = np.flatnonzero(partners != NO_ROW)
    if not len(shared):
        return
    theirs = Maps.of(comparison.maps.take(partners[shared]))
    distances = disagreements(_subset(ours, shared), theirs)
    for n, index in enumerate(shared):
        content[index]["other"] = _map(theirs, n, values)
        content[index]["disagreement"] = None if np.isnan(distances[n]) else float(distances[n])


def _subset(maps: Maps, rows: NDArray[np.int64]) -> Maps:
    """Return some of the maps."""
    grids = maps.grids[rows]
    return Maps(
        np.concatenate([maps[int(n)].ravel() for n in rows]),
        np.concatenate([[0], np.cumsum(grids.prod(1))]),
        grids,
        maps.sizes[rows],
        maps.covers[rows],
    )


def _map(maps: Maps, index: int, values: _Buffer) -> dict[str, Any]:
    start, length = values.add(maps[index].astype("<f4").tobytes())
    return {
        "grid": maps.grids[index].tolist(),  # rows, cols
        "cover": maps.covers[index].tolist(),
        "at": [start // 4, length // 4],  # offset and length in float32 values
    }


def _finite(tile: Tile) -> Tile:
    """Return a tile with ``None`` in place of NaN and infinity, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in tile.items()
    }


class _Buffer:
    """One buffer joined from parts."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._length = 0

    def add(self, part: Any) -> list[int]:
        """Append a part and return its start and length in bytes."""
        start, length = self._length, len(part)
        self._parts.append(part)
        self._length += length
        return [start, length]

    def joined(self) -> bytes:
        """Return all parts as one."""
        return b"".join(map(memoryview, self._parts))
