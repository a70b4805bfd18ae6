"""Examples from any source of pairs that `explain_dataset` takes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...core.words import split_words
from ...dataset.pairs import FailedPair, Pair, PairSource
from ...dataset.sources import open_source
from ...images.remote import is_address
from ..examples import Example, FailedExample


@dataclass(frozen=True)
class DatasetExamples:
    """Examples without masks, read again at every iteration.

    Attributes:
        source: the source of the pairs.
        positions: positions in it of the pairs that are examples, ascending.
    """

    source: PairSource = field(repr=False)
    positions: list[int] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Example | FailedExample]:
        """Yield the examples, with the ids of the pairs.

        Yield a `FailedExample` for a pair whose file was changed or removed since the source was opened.
        """
        positions = set(self.positions)
        for pair in self.source.pairs(self.positions[0], self.positions[-1] + 1):
            if pair.position not in positions:
                continue
            problem = _problem(pair)
            if isinstance(pair, Pair) and not problem:
                yield Example(pair.image, pair.caption, pair.id)
            else:
                yield FailedExample(pair.id, problem)


def dataset_examples(source: Any, *, limit: int | None = None, **options: Any) -> DatasetExamples:
    """Return the pairs of a source as examples, if they have a caption with words and an existing picture.

    >>> from gradeclip_widget.evaluation.sources import dataset_examples
    >>> list(dataset_examples([("https://example.org/dog.jpg", "a dog"), (b"...", "a cat")], limit=1))
    [Example(caption='a dog', id='0')]

    Args:
        source: a folder, table, tar file, Hugging Face dataset or list, as `explain_dataset` takes it.
        limit: largest number of examples; the rest of the source is not read.
        **options: options of `open_source`: ``images``, ``image_column``, ``caption_column``, ``id_column``,
            ``split``.

    Raises:
        FileNotFoundError, TypeError, ModuleNotFoundError: as `open_source`.
        ValueError: as `open_source`, or ``limit`` is under 1, or none of the pairs can be an example.

    Warns:
        UserWarning: some pairs are left out.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit}: give at least 1")
    opened = open_source(source, **options)
    positions: list[int] = []
    problems: list[str] = []
    for pair in opened.pairs():
        if problem := _problem(pair):
            problems.append(f"{pair.id!r}: {problem}")
            continue
        positions.append(pair.position)
        if len(positions) == limit:
            break
    if not positions:
        raise ValueError(f"none of the {len(problems)} pairs is an example; {problems[0]}")
    if problems:
        warnings.warn(
            f"{len(problems)} of {len(positions) + len(problems)} pairs are left out, such as {problems[0]}",
            stacklevel=2,
        )
    return DatasetExamples(opened, positions)


def _problem(pair: Pair | FailedPair) -> str:
    """Return why a pair is not an example; empty if it is one."""
    if isinstance(pair, FailedPair):
        return pair.reason
    if not split_words(pair.caption):
        return f"its caption has no words: {pair.caption!r}"
    path = pair.image if isinstance(pair.image, str) else ""
    if path and not is_address(path) and not os.path.isfile(path):  # noqa: PTH113 - false too if too long
        return f"there is no picture {path!r}"
    return ""
