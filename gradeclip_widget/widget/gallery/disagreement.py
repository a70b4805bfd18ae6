"""How far two runs disagree on where in a picture the evidence for its caption lies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .reader import MAP_COLUMNS, Maps, RowReader

NOWHERE = -1  # row of a pair that the other run does not have


def disagreements(ours: Maps, theirs: Maps) -> NDArray[np.float32]:
    """Return 1 - the cosine of the positive parts of two maps, pair by pair.

    Maps on other grids, or that cover other parts of the picture, are compared on the part that both cover:
    bilinearly interpolated at the centers of the finer grid's patches, whichever it is along each side.

    Args:
        ours: of N pairs.
        theirs: of the same pairs, in the same order.

    Returns:
        (N,) between 0 and 1; NaN where a map has no positive patch or no part of a picture is in both.
    """
    found = np.full(len(ours.grids), np.nan, np.float32)
    for rows in _alike(ours, theirs):
        first = int(rows[0])
        pair = _Pair(ours, theirs, first)
        a, b = (_positive(maps, rows) for maps in (ours, theirs))
        if not pair.same:
            common = pair.common()
            if common is None:
                continue
            a, b = pair.resampled(a, 0, common), pair.resampled(b, 1, common)
        a, b = a.reshape(len(rows), -1), b.reshape(len(rows), -1)
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosine = np.divide((a * b).sum(1), norms, out=np.full(len(rows), np.nan), where=norms > 0)
        found[rows] = np.clip(1 - cosine, 0, 1)
    return found


def all_disagreements(
    ours: RowReader,
    theirs: RowReader,
    partners: NDArray[np.int64],
    report: Callable[[int], None],
) -> NDArray[np.float32]:
    """Return the disagreement of every row of a run, (N,), NaN where the other does not have the pair.

    Args:
        ours: the run's rows.
        theirs: the other's.
        partners: (N,) the other's row of each pair, or `NOWHERE`.
        report: called with the number of rows done after each row group.
    """
    found = np.full(len(partners), np.nan, np.float32)
    start = 0
    for table in ours.batches(MAP_COLUMNS):
        stop = start + table.num_rows
        both = np.flatnonzero(partners[start:stop] != NOWHERE)
        if len(both):
            other = Maps.of(theirs.take(partners[start:stop][both]))
            found[start + both] = disagreements(Maps.of(table.take(both)), other)
        start = stop
        report(start)
    return found


class _Pair:
    """Two maps of one picture: their grids, and the parts (x0, y0, x1, y1) of it that they cover, 0 to 1."""

    def __init__(self, ours: Maps, theirs: Maps, index: int) -> None:
        self.grids = [maps.grids[index] for maps in (ours, theirs)]
        self.covers = [
            maps.covers[index] / np.tile(maps.sizes[index], 2) for maps in (ours, theirs)
        ]

    @property
    def same(self) -> bool:
        """Whether patches of both are the same parts of the picture."""
        (rows_cols, others), (cover, other) = self.grids, self.covers
        return np.array_equal(rows_cols, others) and np.allclose(cover, other, atol=1e-3)

    def common(self) -> NDArray[np.float64] | None:
        """Return the part of the picture that both cover; ``None`` where there is none."""
        a, b = self.covers
        box = np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])
        return box if (box[2:] > box[:2]).all() else None

    def resampled(
        self, maps: NDArray[np.float64], which: int, common: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return maps (N, rows, cols) on the finer grid of the common part."""
        down, across = (self._weights(which, common, side) for side in (1, 0))
        resampled: NDArray[np.float64] = down @ maps @ across.T
        return resampled

    def _weights(self, which: int, common: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Return each patch's weight at each sample along a side, (samples, patches). 0: across, 1: down."""
        low, high = common[side], common[side + 2]
        densities = [
            grid[1 - side] / (cover[side + 2] - cover[side])
            for grid, cover in zip(self.grids, self.covers, strict=True)
        ]
        samples = max(1, round(max(densities) * (high - low)))
        at = low + (np.arange(samples) + 0.5) * (high - low) / samples
        patches = int(self.grids[which][1 - side])
        place = np.clip((at - self.covers[which][side]) * densities[which] - 0.5, 0, patches - 1)
        # A sample between the centers of two patches takes from both, in proportion to how near they are.
        weights: NDArray[np.float64] = np.maximum(
            0, 1 - np.abs(place[:, None] - np.arange(patches))
        )
        return weights


def _alike(ours: Maps, theirs: Maps) -> list[NDArray[np.int64]]:
    """Return the pairs in groups that have the same grids and parts of the picture."""
    geometry = [
        array
        for maps in (ours, theirs)
        for array in (maps.grids, np.round(maps.covers / np.tile(maps.sizes, 2), 4))
    ]
    _, group = np.unique(np.hstack(geometry), axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == n) for n in range(group.max() + 1)]


def _positive(maps: Maps, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the positive parts of maps on one grid, (N, rows, cols)."""
    height, width = maps.grids[rows[0]]
    indices = maps.starts[rows][:, None] + np.arange(height * width)
    values: NDArray[np.float64] = np.maximum(maps.values[indices].astype(np.float64), 0)
    return values.reshape(len(rows), height, width)
