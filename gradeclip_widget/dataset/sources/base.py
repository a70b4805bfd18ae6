"""Base classes of sources: pairs by position, and pairs that lie in blocks which can be skipped."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice

from ..pairs import FailedPair, Pair, PairSource


class Source(PairSource):
    """A source that gives single pairs too. It can be pickled: it holds paths and numbers, no open files."""

    def pair_at(self, position: int) -> Pair:
        """Return the pair at a position.

        Raises:
            IndexError: there is no such position.
            ValueError: the row there is no pair; the message says why.
        """
        if position < 0:
            raise IndexError(f"position {position}: positions of a source count from 0")
        for pair in self.pairs(position, position + 1):
            if isinstance(pair, FailedPair):
                raise ValueError(f"{pair.id!r} at position {position} is no pair: {pair.reason}")
            return pair
        raise IndexError(f"position {position} lies past the end of the source")


class BlockSource(Source):
    """A source in blocks whose numbers of pairs are known, so that those before a position are not read."""

    @abstractmethod
    def blocks(self) -> int:
        """Return how many blocks there are."""

    @abstractmethod
    def pairs_in(self, block: int) -> int:
        """Return how many pairs a block has, failed ones included."""

    @abstractmethod
    def block_pairs(self, block: int, first: int, skip: int) -> Iterator[Pair | FailedPair]:
        """Yield the pairs of a block.

        Args:
            block: its number, from 0.
            first: position of the block's first pair.
            skip: how many of its first pairs to leave out.
        """

    def count(self) -> int | None:
        """Return how many pairs there are."""
        return sum(map(self.pairs_in, range(self.blocks())))

    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``; blocks before them are not read."""
        first = 0
        for block in range(self.blocks()):
            if stop is not None and first >= stop:
                return
            after = first + self.pairs_in(block)
            if after > start:
                skip = max(start - first, 0)
                found = self.block_pairs(block, first, skip)
                yield from found if stop is None else islice(found, max(stop - first - skip, 0))
            first = after
