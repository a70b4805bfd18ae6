"""Answers to what a view asks for: rows, a single pair, pairs that failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .run import OpenRun, OtherRun
from .table import Rows
from .tiles import tiles

_MOST = 200  # rows in one answer
Asked = dict[str, Any]


class Answers:
    """Reads what views ask for, and sends it.

    Args:
        run: the run on show.
        other: the one it is compared with.
        send: sends a message with buffers to all views.
    """

    def __init__(
        self, run: OpenRun, other: OtherRun | None, send: Callable[[Asked, list[bytes]], None]
    ) -> None:
        self._run, self._send = run, send
        self._other = None if other is None else (other.maps, other.partners)

    def rows(self, asked: Asked, order: Rows, generation: int) -> None:
        """Send rows ``start`` to ``stop`` of an order, unless they are asked of one that has gone since.

        Args:
            asked: the message: ``start``, ``stop`` and ``generation``.
            order: row numbers in the order on show.
            generation: of that order.
        """
        if asked["generation"] != generation:
            return
        start = max(0, int(asked["start"]))
        rows = order[start : min(int(asked["stop"]), start + _MOST)]
        if len(rows):
            about = {"kind": "rows", "generation": generation, "start": start}
            self._send_tiles(about, rows)

    def pair(self, asked: Asked) -> None:
        """Send the pair whose ``id`` is asked for, if there is one."""
        row = self._run.table.row_of(asked["id"])
        if row is not None:
            self._send_tiles({"kind": "pair"}, np.array([row]))

    def errors(self, asked: Asked) -> None:
        """Send the pairs that failed from ``start`` to ``stop``."""
        start = max(0, int(asked["start"]))
        found = self._run.failures.some(start, min(int(asked["stop"]), start + _MOST))
        self._send({"kind": "errors", "start": start, "errors": found}, [])

    def _send_tiles(self, about: Asked, rows: Rows) -> None:
        found, data = tiles(rows, self._run.reader, self._other)
        self._send(about | {"tiles": found}, data)
