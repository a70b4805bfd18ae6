"""The things of a picture: around each patch, the patches that the model itself holds together.

Things that touch are told apart by the places of the caption's words. The rule is in
``docs/mathematics.md``. `js/src/core/things.ts` computes the same regions.
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
    ground = lengths < floor

    def around(sums: NDArray[np.float32], squares: NDArray[np.float32]) -> NDArray[np.bool_]:
        """The next regions, from x_i . m of every patch and region, and |m|^2 of every region."""
        near = sums >= floor * np.sqrt(np.maximum(squares[:, None], _TINY))
        return _connected(np.where(ground[:, None], ground, near), grid, range(len(near)))

    inside = around(products, products.diagonal())
    for _ in range(_PASSES - 1):
        sums = inside.astype(np.float32) @ products
        inside = around(sums, np.einsum("pq,pq->p", sums, inside))
    alone = np.flatnonzero((inside.sum(1) == 1) & ~ground)  # at the border of a thing
    row, col = np.divmod(np.arange(len(inside)), grid[1])
    beside = abs(row[alone, None] - row) + abs(col[alone, None] - col) == 1
    inside[alone] |= inside[np.where(beside, products[alone], -np.inf).argmax(1)]
    return np.packbits(inside, axis=1)


def thing_around(things: Bits, patch: int, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which patches belong to the thing around a patch, (rows, cols).

    Args:
        things: as `find_things` returns them.
        patch: its index.
        places: (rows, cols) as `evidence.find_places` returns them. If the patch lies in the place of a word,
            the patches in places of other words do not belong to its thing.
    """
    inside = np.unpackbits(things[patch], count=places.size).reshape(places.shape).astype(bool)
    own = places.flat[patch]
    if own >= 0:
        inside &= (places == own) | (places < 0)
    return _connected(inside.reshape(1, -1), places.shape, [patch]).reshape(places.shape)


def thing_region(inside: NDArray[np.bool_], cover: Box) -> dict[str, Any]:
    """Return connected patches (rows, cols) as a region: the value of the widget's ``region`` trait."""
    rows, cols = inside.shape
    x0, y0, x1, y1 = cover
    width, height = (x1 - x0) / cols, (y1 - y0) / rows
    outer, *holes = [
        [[x0 + col * width, y0 + row * height] for col, row in ring] for ring in _rings(inside)
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
    products -= with_ground[:, None] + with_ground - weights @ with_ground
    products /= variance
    return products


def _connected(
    around: NDArray[np.bool_], grid: tuple[int, int], patches: Sequence[int]
) -> NDArray[np.bool_]:
    """Return the connected part of each row of (N, P) that contains the row's patch, for all rows at once."""
    count = len(around)
    starts = np.zeros((around.shape[1], count), bool)
    starts[patches, range(count)] = True
    # The bits of all rows side by side at each patch: (rows, cols, bytes).
    seeds = np.packbits(starts, axis=1).reshape(*grid, -1)
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
    bits = np.unpackbits(inside.reshape(len(around.T), -1), axis=1, count=count)
    return bits.T.astype(bool)


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
