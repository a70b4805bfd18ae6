"""Captions merged at their common beginnings, which a causal tower then computes only once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PACK = 512  # most tokens of one trie, to limit the attention mask for very long captions
_ROW = (
    128  # most tokens of several tries side by side: longer rows pack better, but have larger masks
)


@dataclass
class Trie:
    """Token sequences merged at their common prefixes, parents before children."""

    ids: list[int]
    depths: list[int]  # position of each token in its sequence
    parents: list[int]  # -1 at the root
    ends: list[int]  # index of each sequence's last token

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> Trie:
        """Merge sequences; the first one's tokens come first."""
        trie, children = cls([], [], [], []), dict[tuple[int, int], int]()
        for sequence in sequences:
            node = -1
            for depth, token in enumerate(sequence):
                child = children.get((node, token))
                if child is None:
                    child = children[node, token] = len(trie.ids)
                    trie.ids.append(token)
                    trie.depths.append(depth)
                    trie.parents.append(node)
                node = child
            trie.ends.append(node)
        return trie

    def mask(self) -> Tensor:
        """Return the attention mask (M, M), true where a token may attend: to itself and its ancestors."""
        mask = torch.zeros(len(self.ids), len(self.ids), dtype=torch.bool, device="cpu")
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                mask[node] = mask[parent]
            mask[node, node] = True
        return mask


def packs(sequences: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """Split a list of sequences into parts whose tries have at most `PACK` tokens."""
    packs: list[list[Sequence[int]]] = [[]]
    size = 0
    for sequence in sequences:
        if packs[-1] and size + len(sequence) > PACK:
            packs.append([])
            size = 0
        packs[-1].append(sequence)
        size += len(sequence)
    return packs


@dataclass(frozen=True, eq=False)
class PackedTries:
    """Tries of several groups of captions, packed side by side into rows of one length M.

    Attributes:
        groups: which groups they are of.
        ids, depths: tokens and their positions (B, M).
        mask: (B, M, M), true where a token may attend; padding attends to itself alone.
        rows, ends: the row of each caption's last token, and its index in that row.
        sizes: number of captions in each group.
    """

    groups: list[int]
    ids: Tensor
    depths: Tensor
    mask: Tensor
    rows: Tensor
    ends: Tensor
    sizes: list[int]


def packed_batches(groups: Sequence[Sequence[Sequence[int]]], tokens: int) -> Iterator[PackedTries]:
    """Yield the tries of groups of captions in batches of at most ``tokens`` tokens, including padding.

    A row consists of tries with at most `_ROW` tokens together, or of one longer trie. Rows of a batch have
    similar lengths, so that little of them is padding.
    """
    tries = [Trie.of(group) for group in groups]
    rows = _rows([len(trie.ids) for trie in tries])
    lengths = [sum(len(tries[n].ids) for n in row) for row in rows]
    start = 0
    while start < len(rows):
        most = max(1, tokens // max(lengths[start:]))
        similar = sum(2 * length >= lengths[start] for length in lengths[start:])
        stop = start + min(most, similar)
        yield _packed(rows[start:stop], tries)
        start = stop


def _rows(sizes: list[int]) -> list[list[int]]:
    """Return which tries of these sizes share a row: always the largest one left, with small ones.

    Rows are ordered by the size of their largest trie.
    """
    left = deque(sorted(range(len(sizes)), key=lambda n: sizes[n], reverse=True))
    rows = []
    while left:
        row = [left.popleft()]
        used = sizes[row[0]]
        while left and used + sizes[left[-1]] <= _ROW:
            row.append(left.pop())
            used += sizes[row[-1]]
        rows.append(row)
    return rows


def _packed(rows: list[list[int]], tries: list[Trie]) -> PackedTries:
    """Return the tries of these rows as arrays."""
    packed = [n for row in rows for n in row]
    length = max(sum(len(tries[n].ids) for n in row) for row in rows)
    ids, depths = np.zeros((2, len(rows), length), np.int64)
    mask = np.zeros((len(rows), length, length), bool)
    mask[:, range(length), range(length)] = True
    in_rows, nodes, parents, ends = [], [], [], []
    for number, row in enumerate(rows):
        start = 0
        for n in row:
            trie, count = tries[n], len(tries[n].ids)
            columns = slice(start, start + count)
            ids[number, columns], depths[number, columns] = trie.ids, trie.depths
            in_rows.append(np.full(count, number))
            nodes.append(np.arange(start, start + count))
            parents.append(np.array(trie.parents) + start)
            ends.append(np.stack([np.full(len(trie.ends), number), np.array(trie.ends) + start]))
            start += count
    _see_ancestors(mask, depths, *map(np.concatenate, (in_rows, nodes, parents)))
    owners, last = np.concatenate(ends, 1)
    return PackedTries(
        packed,
        torch.from_numpy(ids),
        torch.from_numpy(depths),
        torch.from_numpy(mask),
        torch.from_numpy(owners),
        torch.from_numpy(last),
        [len(tries[n].ends) for n in packed],
    )


def _see_ancestors(
    mask: NDArray[np.bool_],
    depths: NDArray[np.int64],
    rows: NDArray[np.int64],
    nodes: NDArray[np.int64],
    parents: NDArray[np.int64],
) -> None:
    """Let every token attend to what its parent attends to, level by level, in ``mask`` (B, M, M)."""
    levels = depths[rows, nodes]
    order = np.argsort(levels, kind="stable")
    for level in np.split(order, np.flatnonzero(np.diff(levels[order])) + 1)[1:]:
        mask[rows[level], nodes[level]] |= mask[rows[level], parents[level]]
