"""Means over examples with percentile bootstrap intervals, paired across methods.

Examples are drawn as weights, so that all means of all resamples are one matrix product.
``scipy.stats.bootstrap`` copies the values for every resample instead: curves take nine times as long, and an
interval becomes NaN if one resample misses all values of a column.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
RESAMPLES = 2000
Column = TypeVar("Column", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean and its interval, each a number or one per step of a curve, (K,)."""

    mean: Values
    low: Values
    high: Values

    @property
    def numbers(self) -> dict[str, Values]:
        """The mean and both limits by name, as columns of a table."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


class Samples(Generic[Column]):
    """Values by example and by column (a method, or a method in one group), any number in each cell.

    The mean of a column is over all its values. A resample draws whole examples with replacement, the same
    examples for every column, so that columns can be compared.

    Args:
        values: triples of example, column and value; values are numbers, or all of one shape (K,).

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile interval).
    """

    def __init__(self, values: Iterable[tuple[str, Column, float | Values]]) -> None:
        triples = list(values)
        examples = {example: n for n, example in enumerate(dict.fromkeys(t[0] for t in triples))}
        self.columns = {column: n for n, column in enumerate(dict.fromkeys(t[1] for t in triples))}
        shape = np.shape(triples[0][2])
        self._sums = np.zeros((len(examples), len(self.columns), *shape))
        self._counts = np.zeros((len(examples), len(self.columns)))
        for example, column, value in triples:
            cell = examples[example], self.columns[column]
            self._sums[cell] += value
            self._counts[cell] += 1

    def count(self, column: Column) -> tuple[int, int]:
        """Return the number of values of a column, and of the examples that have any."""
        counts = self._counts[:, self.columns[column]]
        return int(counts.sum()), int((counts > 0).sum())

    def estimate(self, seed: int, confidence: float) -> dict[Column, Estimate]:
        """Return the mean of every column with its interval.

        Args:
            seed: seed of the resamples.
            confidence: confidence of the interval, between 0 and 1.
        """
        resampled, means = self._resampled(seed), self._means(np.ones((1, len(self._sums))))[0]
        return {
            column: _estimate(means[n], resampled[:, n], confidence)
            for column, n in self.columns.items()
        }

    def differences(
        self, pairs: Iterable[tuple[Column, Column]], seed: int, confidence: float
    ) -> dict[tuple[Column, Column], Estimate]:
        """Return the difference of the means of each pair of columns, with its paired interval."""
        resampled, means = self._resampled(seed), self._means(np.ones((1, len(self._sums))))[0]
        out = {}
        for pair in pairs:
            one, other = (self.columns[column] for column in pair)
            spread = resampled[:, one] - resampled[:, other]
            out[pair] = _estimate(means[one] - means[other], spread, confidence)
        return out

    def _resampled(self, seed: int) -> Values:
        """Return the means of every column in every resample, (resamples, columns, ...)."""
        count = len(self._sums)
        rng = np.random.default_rng(seed)
        weights = rng.multinomial(count, np.full(count, 1 / count), RESAMPLES)
        return self._means(weights.astype(np.float64))

    def _means(self, weights: Values) -> Values:
        """Return the means (R, columns, ...) with examples weighted by each row (R, examples)."""
        counts = weights @ self._counts
        sums = np.tensordot(weights, self._sums, 1)
        counts = counts.reshape(*counts.shape, *(1,) * (sums.ndim - 2))
        # A resample may contain no example with a value in some column.
        missing = np.full(sums.shape, np.nan)
        means: Values = np.divide(sums, counts, out=missing, where=counts > 0)
        return means


def _estimate(mean: Values, resampled: Values, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail], axis=0)
    return Estimate(mean, low, high)
