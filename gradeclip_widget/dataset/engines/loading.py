"""Load pairs ahead of the model: read, decode and tokenize them in processes of torch's `DataLoader`."""

from __future__ import annotations

import itertools
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..pairs import FailedPair, ListedPair, Pair
from ..prepare import LoadedPair, PreparedPair

Prepare = Callable[[ListedPair], LoadedPair]
Shape = tuple[int, ...]
_CHUNK = 8  # pairs that a process receives and returns at once
_NO_PIXELS = torch.empty(0, device="cpu")  # placeholder in the pairs of a chunk
_AHEAD = 4  # chunks that each process loads ahead
_POLL = 1.0  # seconds between two checks whether the program is still running


class _Chunk:
    """Prepared pairs. Pixels of one shape share a tensor: each tensor takes a file handle to be sent."""

    def __init__(self, pairs: list[LoadedPair]) -> None:
        self._pairs, pixels = list[Any](), dict[Shape, list[Tensor]]()
        for pair in pairs:
            if isinstance(pair, PreparedPair):
                shape = tuple(pair.pixels.shape)
                same = pixels.setdefault(shape, [])
                same.append(pair.pixels)
                self._pairs.append((replace(pair, pixels=_NO_PIXELS), shape, len(same) - 1))
            else:
                self._pairs.append(pair)
        self._pixels = {shape: torch.stack(same) for shape, same in pixels.items()}

    def __iter__(self) -> Iterator[LoadedPair]:
        """Yield the pairs with their pixels."""
        for entry in self._pairs:
            if isinstance(entry, tuple):
                pair, shape, index = entry
                yield replace(pair, pixels=self._pixels[shape][index])
            else:
                yield entry


class _Chunks(Dataset[_Chunk]):
    """Maps pickled lists of pairs, in the place of a dataset's indices, to chunks of prepared pairs."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def __getitem__(self, pairs: bytes) -> _Chunk:
        return _Chunk([self._prepare(pair) for pair in pickle.loads(pairs)])  # noqa: S301 - our own


def load_pairs(pairs: Iterable[ListedPair], prepare: Prepare, workers: int) -> Iterator[LoadedPair]:
    """Yield prepared pairs in their order; a bounded number of them is loaded ahead.

    Args:
        pairs: the pairs.
        prepare: reads one pair.
        workers: number of processes; with 0, pairs are loaded in this process, one after the other.

    Raises:
        RuntimeError: a process was killed, for example by the system when memory runs out.
    """
    if workers == 0:
        yield from map(prepare, pairs)
        return
    loader = DataLoader(
        _Chunks(prepare),
        sampler=cast(Iterable[int], _Lists(pairs)),  # torch's types allow integers only
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        worker_init_fn=_exit_with_program,
        generator=torch.Generator(device="cpu"),  # not the one that the program may have seeded
    )
    try:
        with torch.device("cpu"):  # also in the processes: a forked one cannot use CUDA
            chunks = iter(loader)
        yield from itertools.chain.from_iterable(chunks)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise RuntimeError(
            "a process that reads pictures was ended by the system, probably because the memory was full: "
            f"start the run again, which continues it, with fewer workers than {workers} or with smaller "
            f"pictures ({error})"
        ) from error


def default_workers() -> int:
    """Return the default number of processes: one for every core, at most 16; 0 on Windows and macOS.

    On those, processes are not forked: each would import torch again, and a script without
    ``if __name__ == "__main__"`` would start itself again.
    """
    return min(16, torch.get_num_threads()) if sys.platform == "linux" else 0


def _exit_with_program(_worker: int) -> None:
    """Exit this process when the program that started it has ended, even if it was killed.

    torch's own watchdog only ends its loop: the process would wait forever for a reader of its queue.
    """
    program = os.getppid()

    def watch() -> None:
        while os.getppid() == program:
            time.sleep(_POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Lists:
    """Pairs in pickled lists of `_CHUNK`.

    The loader's own thread would drop a list that cannot be pickled, and wait for its result for ever.
    """

    def __init__(self, pairs: Iterable[ListedPair]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[bytes]:
        pairs = iter(self._pairs)
        while chunk := list(itertools.islice(pairs, _CHUNK)):
            try:
                yield pickle.dumps(chunk)
            except Exception:  # noqa: BLE001 - of any object in the place of a picture
                yield pickle.dumps([_sendable(pair) for pair in chunk])


def _sendable(pair: ListedPair) -> ListedPair:
    """Return a pair, or its failure if it cannot be sent to another process."""
    try:
        pickle.dumps(pair)
    except Exception as error:  # noqa: BLE001
        assert isinstance(pair, Pair)
        kind = type(pair.image).__name__
        problem = TypeError(f"its picture, of type {kind}, cannot be sent to a process: {error}")
        return FailedPair.of(pair, "picture", problem)
    return pair
