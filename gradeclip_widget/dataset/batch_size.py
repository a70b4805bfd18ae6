"""How many pairs are explained at once: found by trying, and shrunk where memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .explain_batch import Row
from .pairs import FailedPair
from .prepare import PreparedPair

_FIRST, _LARGEST = 8, 1024
_GAIN = 1.05  # a size twice as large must explain at least so many times as many pairs a second
Explain = Callable[[Sequence[PreparedPair]], list[Row | FailedPair]]


@dataclass
class BatchSize:
    """The number of pairs explained at once.

    A size that is not given starts small and doubles with every full batch, as long as that makes the rate
    grow. Where a batch does not fit into memory, its halves are tried, and later ones are no larger.

    Attributes:
        size: the number now.
        found: whether it stays, unless memory runs out.
        rate: pairs a second at the size before.
    """

    size: int
    found: bool
    rate: float = 0.0
    _warm: bool = field(default=False, repr=False)

    @classmethod
    def of(cls, size: int | None) -> BatchSize:
        """Return a given size, or the first to try.

        Raises:
            ValueError: the size is below 1.
            TypeError: the size is no whole number.
        """
        if size is None:
            return cls(_FIRST, found=False)
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"batch_size is a number of pairs, not {size!r}")
        if size < 1:
            raise ValueError(f"batch_size={size}: give at least 1, or None to have it found")
        return cls(size, found=True)

    def run(self, explain: Explain, pairs: Sequence[PreparedPair]) -> list[Row | FailedPair]:
        """Return the rows of pairs, explained in as many batches as memory makes necessary.

        Raises:
            MemoryError: a single pair does not fit.
        """
        start = time.perf_counter()
        try:
            rows = explain(pairs)
        except MemoryError:
            if len(pairs) == 1:
                raise
            half = len(pairs) // 2
            self.size, self.found = min(self.size, half), True
            return self.run(explain, pairs[:half]) + self.run(explain, pairs[half:])
        if not self.found and len(pairs) == self.size:
            self._grow(len(pairs) / max(time.perf_counter() - start, 1e-9))
        return rows

    def _grow(self, rate: float) -> None:
        """Double the size, or go back to the one before, by the rate of a batch of this size."""
        if not self._warm:  # the first batch pays for what is set up once
            self._warm = True
            return
        if rate < self.rate * _GAIN:
            self.size, self.found = self.size // 2, True
        elif self.size >= _LARGEST:
            self.found = True
        else:
            self.size, self.rate = self.size * 2, rate
