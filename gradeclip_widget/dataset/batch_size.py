"""How many pairs are explained at once: found by trial, and reduced when memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .explain_batch import Row
from .pairs import FailedPair
from .prepare import PreparedPair

_FIRST, _LARGEST = 8, 1024
_MIN_GAIN = 1.05  # keep doubling only while pairs a second grow by at least 5 %
Explain = Callable[[Sequence[PreparedPair]], list[Row | FailedPair]]


@dataclass
class BatchSize:
    """The number of pairs explained at once.

    By default it starts small and doubles with every full batch while the rate grows. If a batch does not fit
    into memory, its halves are tried, and later batches are no larger.

    Attributes:
        size: the present number.
        final: whether it no longer grows; it still shrinks when memory runs out.
        rate: pairs a second at the size before.
    """

    size: int
    final: bool
    rate: float = 0.0
    _warm: bool = field(default=False, repr=False)

    @classmethod
    def of(cls, size: int | None) -> BatchSize:
        """Return a fixed size, or with ``None`` the first size to try.

        Raises:
            ValueError: the size is below 1.
            TypeError: the size is not a whole number.
        """
        if size is None:
            return cls(_FIRST, final=False)
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"batch_size={size!r}: give a whole number of pairs, or None")
        if size < 1:
            raise ValueError(f"batch_size={size}: give at least 1, or None to find it by trial")
        return cls(size, final=True)

    def run(self, explain: Explain, pairs: Sequence[PreparedPair]) -> list[Row | FailedPair]:
        """Return the rows of pairs, explained in as many batches as fit into memory."""
        start = time.perf_counter()
        try:
            rows = explain(pairs)
        except MemoryError:
            if len(pairs) == 1:
                raise
            half = len(pairs) // 2
            self.size, self.final = min(self.size, half), True
            return self.run(explain, pairs[:half]) + self.run(explain, pairs[half:])
        if not self.final and len(pairs) == self.size:
            self._grow(len(pairs) / max(time.perf_counter() - start, 1e-9))
        return rows

    def _grow(self, rate: float) -> None:
        """Double the size or return to the one before, depending on the rate of a batch of this size."""
        if not self._warm:  # the first batch is slow: it includes one-time setup
            self._warm = True
            return
        if rate < self.rate * _MIN_GAIN:
            self.size, self.final = self.size // 2, True
        elif self.size >= _LARGEST:
            self.final = True
        else:
            self.size, self.rate = self.size * 2, rate
