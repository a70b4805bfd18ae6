"""The things of a picture: around each patch, the patches that the model itself holds together.

The rule is in ``docs/mathematics.md``. `js/src/core/things.ts` draws the same regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .regions import Box

HELD = 0.6  # minimum length along a thing's direction, as a fraction of the root mean square length
_PASSES = 3  # the first compares with the pointed patch, the others with the mean of the region
_WIDTH = 0.5  # of the kernel that finds the ground, as a fraction of the variance
_TINY = np.finfo(np.float32).tiny
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up

Bits = NDArray[np.uint8]
Ring = list[tuple[float, float]]


def find_things(features: Sequence[NDArray[np.float32]], grid: tuple[int, int]) -> Bits:
    """Return the thing around every patch.

    Args:
        features: one or several arrays (P, D) with a row for every patch.
        grid: (rows, cols) of patches, P in all.

    Returns:
        (P, P / 8 rounded up) bits as `np.packbits` packs them: row p has the patches of the thing around
        patch p, which are connected and contain p.
    """
    products = np.sum([_products(f.astype(np.float32)) for f in features], axis=0)
    lengths = np.sqrt(np.maximum(products.diagonal(), 0))
    floor = HELD * np.sqrt(np.square(lengths).mean())
    inside = np.eye(len(products), dtype=bool)
    for _ in range(_PASSES):
        sums = inside.astype(np.float32) @ products
        norms = np.sqrt(np.maximum((sums * inside).sum(1, keepdims=True), _TINY))
        inside = _connected(sums >= floor * norms, grid)
    ground = lengths < floor
    for alone in np.flatnonzero((inside.sum(1) == 1) & ~ground):  # at the border of a thing
        beside = _neighbors(alone, grid)
        nearest = beside[products[alone, beside].argmax()]
        inside[alone] |= inside[nearest]
    inside = np.where(ground[:, None], ground, inside)
    return np.packbits(_connected(inside, grid), axis=1)


def thing_around(things: Bits, patch: int, grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which patches belong to the thing around a patch, (rows, cols)."""
    rows, cols = grid
    return np.unpackbits(things[patch], count=rows * cols).reshape(grid).astype(bool)


def thing_region(inside: NDArray[np.bool_], cover: Box) -> dict[str, Any]:
    """Return connected patches (rows, cols) as a region: the value of the widget's ``region`` trait."""
    rows, cols = inside.shape
    x0, y0, x1, y1 = cover
    width, height = (x1 - x0) / cols, (y1 - y0) / rows
    outer, *holes = [
        [(x0 + col * width, y0 + row * height) for col, row in ring] for ring in _rings(inside)
    ]
    return {"kind": "thing", "points": outer, "holes": holes}


def _products(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inner products (P, P) of rows (P, D), less the ground, in units of their variance.

    The ground is the mean of the rows that resemble the row with the most similar ones.
    """
    rows = rows - rows.mean(0)
    products: NDArray[np.float32] = rows @ rows.T
    squares = products.diagonal()
    variance = squares.mean()
    if not variance > 0:
        return np.zeros_like(products)
    distances = squares[:, None] + squares - 2 * products
    kernel = np.exp(-distances / (_WIDTH * variance))
    weights = kernel[kernel.sum(1).argmax()]
    weights = weights / weights.sum()
    with_ground = products @ weights
    products = products - with_ground[:, None] - with_ground + weights @ with_ground
    return products / variance


def _connected(around: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the connected part that contains patch p of row p of (P, P), for all rows at once."""
    patches = len(around)
    # The bits of all rows side by side at each patch: (rows, cols, bytes).
    seeds = np.packbits(np.eye(patches, dtype=bool), axis=1).reshape(*grid, -1)
    allowed = np.packbits(around.T, axis=1).reshape(*grid, -1) | seeds
    inside = seeds
    while True:
        grown = inside.copy()
        grown[1:] |= inside[:-1]
        grown[:-1] |= inside[1:]
        grown[:, 1:] |= inside[:, :-1]
        grown[:, :-1] |= inside[:, 1:]
        grown &= allowed
        if np.array_equal(grown, inside):
            break
        inside = grown
    bits = np.unpackbits(inside.reshape(patches, -1), axis=1, count=patches)
    return bits.T.astype(bool)


def _neighbors(patch: int, grid: tuple[int, int]) -> list[int]:
    """Return the patches that share a side with a patch."""
    rows, cols = grid
    row, col = divmod(int(patch), cols)
    places = [(row + down, col + across) for across, down in _STEPS]
    return [r * cols + c for r, c in places if 0 <= r < rows and 0 <= c < cols]


def _rings(inside: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Return the outlines of connected patches as corners (col, row): the outer one first, then the holes.

    They run clockwise around the patches. Where two patches touch at a corner, a ring stays with its patch.
    """
    padded = np.pad(inside, 1)
    # For every direction: the neighbor that is missing at an edge, and where the edge starts.
    sides = ((0, 1, 0, 0), (1, 2, 1, 0), (2, 1, 1, 1), (1, 0, 0, 1))
    rows, cols = inside.shape
    edges = []
    for down, across, dx, dy in sides:
        border = inside & ~padded[down : down + rows, across : across + cols]
        edges.append({(col + dx, row + dy) for row, col in np.argwhere(border).tolist()})
    left = set(edges[0])
    rings = []
    for start in sorted(left, key=lambda corner: corner[::-1]):
        if start not in left:
            continue  # in an earlier ring
        ring, at, direction = [start], start, 0
        while True:
            if direction == 0:
                left.discard(at)
            at = (at[0] + _STEPS[direction][0], at[1] + _STEPS[direction][1])
            turns = ((direction + turn) % 4 for turn in (1, 0, 3))
            turned = next(d for d in turns if at in edges[d])
            if (at, turned) == (start, 0):
                break
            if turned != direction:
                ring.append(at)
            direction = turned
        rings.append(ring)
    return rings
