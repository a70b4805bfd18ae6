"""Read pairs ahead of the model, in processes of torch's `DataLoader`."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..pairs import FailedPair, Pair
from ..prepare import PreparedPair

Prepare = Callable[[Pair | FailedPair], PreparedPair | FailedPair]
Shape = tuple[int, ...]
_CHUNK = 8  # pairs that a process is given, and gives back, at once
_NONE = torch.empty(0)  # in place of the pixels of a pair that travels
_AHEAD = 4  # chunks that each process reads ahead
_WATCH = 1.0  # seconds between two looks at whether the program is still there


class _Chunk:
    """Prepared pairs, the pixels of like shape in one tensor: processes pass a file handle for each."""

    def __init__(self, pairs: list[PreparedPair | FailedPair]) -> None:
        self._pairs, pixels = list[Any](), dict[Shape, list[Tensor]]()
        for pair in pairs:
            if isinstance(pair, PreparedPair):
                shape = tuple(pair.pixels.shape)
                same = pixels.setdefault(shape, [])
                same.append(pair.pixels)
                self._pairs.append((replace(pair, pixels=_NONE), shape, len(same) - 1))
            else:
                self._pairs.append(pair)
        self._pixels = {shape: torch.stack(same) for shape, same in pixels.items()}

    def __iter__(self) -> Iterator[PreparedPair | FailedPair]:
        """Yield the pairs as they were."""
        for one in self._pairs:
            if isinstance(one, FailedPair):
                yield one
            else:
                pair, shape, index = one
                yield replace(pair, pixels=self._pixels[shape][index])


class _Chunks(Dataset[_Chunk]):
    """Chunks of prepared pairs, asked for by the pairs themselves."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def __getitem__(self, pairs: Sequence[Pair | FailedPair]) -> _Chunk:
        return _Chunk([self._prepare(pair) for pair in pairs])


def read(
    pairs: Iterable[Pair | FailedPair], prepare: Prepare, workers: int
) -> Iterator[PreparedPair | FailedPair]:
    """Yield prepared pairs in their order, a bounded number of them read ahead.

    Args:
        pairs: those to read.
        prepare: reads one.
        workers: processes that read; with 0 they are read here, one after the other.

    Raises:
        RuntimeError: a process was killed, as by the system when memory runs out.
    """
    if workers == 0:
        yield from map(prepare, pairs)
        return
    loader = DataLoader(
        _Chunks(prepare),
        sampler=cast(
            Iterable[int], _Batched(pairs)
        ),  # what it yields is what a dataset is asked for
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        worker_init_fn=_end_with_program,
    )
    yield from itertools.chain.from_iterable(loader)


def default_workers() -> int:
    """Return how many processes read where that is not said: one for every core, at most 16.

    Where processes cannot be forked (Windows, macOS) each would import torch anew, and a program without
    ``if __name__ == "__main__"`` would start itself again; there the pairs are read in the program itself.
    """
    return min(16, torch.get_num_threads()) if sys.platform == "linux" else 0


def _end_with_program(_worker: int) -> None:
    """End this reading process when the program that started it is gone, even if that was killed.

    torch's own watch ends its loop then, but the process waits on, for someone to take what it has read.
    """
    program = os.getppid()

    def watch() -> None:
        while os.getppid() == program:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Batched:
    """Pairs in lists of `_CHUNK`."""

    def __init__(self, pairs: Iterable[Pair | FailedPair]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[list[Pair | FailedPair]]:
        pairs = iter(self._pairs)
        while chunk := list(itertools.islice(pairs, _CHUNK)):
            yield chunk
