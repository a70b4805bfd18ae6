"""How far two maps disagree on where in a picture the evidence for its caption lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .reader import Maps


def disagreements(ours: Maps, theirs: Maps) -> NDArray[np.float32]:
    """Return 1 - the cosine of the positive parts of two maps, pair by pair.

    Maps with different grids, or that cover different parts of the picture, are compared on the part that
    both cover: along each side, both are interpolated linearly at the patch centers of the finer grid.

    Args:
        ours: maps of N pairs.
        theirs: maps of the same pairs, in the same order.

    Returns:
        (N,) between 0 and 1; NaN if a map has no positive patch, or if the two maps cover no common part.
    """
    values = np.full(len(ours.grids), np.nan, np.float32)
    for rows in _same_geometry(ours, theirs):
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
        values[rows] = np.clip(1 - cosine, 0, 1)
    return values


class _Pair:
    """Two maps of one picture: their grids, and the boxes (x0, y0, x1, y1) that they cover, from 0 to 1."""

    def __init__(self, ours: Maps, theirs: Maps, index: int) -> None:
        self.grids = [maps.grids[index] for maps in (ours, theirs)]
        self.covers = [
            maps.covers[index] / np.tile(maps.sizes[index], 2) for maps in (ours, theirs)
        ]

    @property
    def same(self) -> bool:
        """Whether the patches of both maps are the same parts of the picture."""
        cover, other_cover = self.covers
        return np.array_equal(*self.grids) and np.allclose(cover, other_cover, atol=1e-3)

    def common(self) -> NDArray[np.float64] | None:
        """Return the part of the picture that both maps cover; ``None`` if they cover no common part."""
        a, b = self.covers
        box = np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])
        return box if (box[2:] > box[:2]).all() else None

    def resampled(
        self, maps: NDArray[np.float64], which: int, common: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return maps (N, rows, cols), resampled to the finer grid on the common part."""
        down, across = (self._weights(which, common, side) for side in (1, 0))
        resampled: NDArray[np.float64] = down @ maps @ across.T
        return resampled

    def _weights(self, which: int, common: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Return the weight of each patch at each sample along a side (0: x, 1: y), (samples, patches)."""
        low, high = common[side], common[side + 2]
        densities = [
            grid[1 - side] / (cover[side + 2] - cover[side])
            for grid, cover in zip(self.grids, self.covers, strict=True)
        ]
        samples = max(1, round(max(densities) * (high - low)))
        at = low + (np.arange(samples) + 0.5) * (high - low) / samples
        patches = int(self.grids[which][1 - side])
        place = np.clip((at - self.covers[which][side]) * densities[which] - 0.5, 0, patches - 1)
        # Linear interpolation between the centers of two patches.
        weights: NDArray[np.float64] = np.maximum(
            0, 1 - np.abs(place[:, None] - np.arange(patches))
        )
        return weights


def _same_geometry(ours: Maps, theirs: Maps) -> list[NDArray[np.int64]]:
    """Return the indices of the pairs, grouped by the grids and covers of their maps."""
    geometry = [
        array
        for maps in (ours, theirs)
        for array in (maps.grids, np.round(maps.covers / np.tile(maps.sizes, 2), 4))
    ]
    _, group = np.unique(np.hstack(geometry), axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == n) for n in range(group.max() + 1)]


def _positive(maps: Maps, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the positive parts of maps with the same grid, (N, rows, cols)."""
    height, width = maps.grids[rows[0]]
    indices = maps.starts[rows][:, None] + np.arange(height * width)
    values: NDArray[np.float64] = np.maximum(maps.values[indices].astype(np.float64), 0)
    return values.reshape(len(rows), height, width)
