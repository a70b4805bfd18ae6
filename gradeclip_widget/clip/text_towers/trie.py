"""Captions merged at their common beginnings, whose tokens a causal tower then computes once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

PACK = 512  # tokens of one trie: bounds the attention mask for very long captions
_ROW = 128  # tokens of several tries side by side: long enough to pack well, short enough for their mask


@dataclass
class Trie:
    """Token sequences merged at their common prefixes, parents before children."""

    ids: list[int]
    depths: list[int]  # position of each token in its sequence
    parents: list[int]  # -1 at the root
    ends: list[int]  # where each sequence's last token lies

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
        mask = torch.zeros(len(self.ids), len(self.ids), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                mask[node] = mask[parent]
            mask[node, node] = True
        return mask


def packs(sequences: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """Split the list where a trie could grow past `PACK` tokens."""
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
        rows, ends: in which row, and where in it, each caption's last token lies.
        sizes: how many captions each group has.
    """

    groups: list[int]
    ids: Tensor
    depths: Tensor
    mask: Tensor
    rows: Tensor
    ends: Tensor
    sizes: list[int]


def packed_batches(groups: Sequence[Sequence[Sequence[int]]], tokens: int) -> Iterator[PackedTries]:
    """Yield the tries of groups of captions in batches of at most so many tokens, padding included.

    A row holds as many tries as fit into `_ROW` tokens, or one that is longer. Rows of a batch are alike in
    length, so that little of them is padding.
    """
    tries = [Trie.of(group) for group in groups]
    sizes = [len(trie.ids) for trie in tries]
    rows: list[list[int]] = []
    room: list[int] = []
    for n in sorted(range(len(tries)), key=lambda n: sizes[n], reverse=True):
        fits = next((row for row, left in enumerate(room) if left >= sizes[n]), len(rows))
        if fits == len(rows):
            rows.append([])
            room.append(max(sizes[n], _ROW))
        rows[fits].append(n)
        room[fits] -= sizes[n]
    rows.sort(key=lambda row: sum(sizes[n] for n in row), reverse=True)
    lengths = [sum(sizes[n] for n in row) for row in rows]
    start = 0
    while start < len(rows):
        most = max(1, tokens // lengths[start])
        alike = sum(2 * length >= lengths[start] for length in lengths[start:])
        stop = start + min(most, alike)
        yield _packed(rows[start:stop], tries)
        start = stop


def _packed(rows: list[list[int]], tries: list[Trie]) -> PackedTries:
    length = max(sum(len(tries[n].ids) for n in row) for row in rows)
    ids, depths = np.zeros((2, len(rows), length), np.int64)
    mask = np.zeros((len(rows), length, length), bool)
    mask[:, range(length), range(length)] = True
    owners, ends = [], []
    for number, row in enumerate(rows):
        start = 0
        for n in row:
            trie = tries[n]
            own = slice(start, start + len(trie.ids))
            ids[number, own], depths[number, own] = trie.ids, trie.depths
            visible = mask[number, own, own]
            for node, parent in enumerate(trie.parents):
                if parent >= 0:
                    visible[node] |= visible[parent]
            owners += [number] * len(trie.ends)
            ends += [start + end for end in trie.ends]
            start = own.stop
    packed = [n for row in rows for n in row]
    return PackedTries(
        packed,
        torch.from_numpy(ids),
        torch.from_numpy(depths),
        torch.from_numpy(mask),
        torch.tensor(owners),
        torch.tensor(ends),
        [len(tries[n].ends) for n in packed],
    )
