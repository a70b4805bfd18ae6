"""Load pairs ahead of the model: read, decode and tokenize them in processes of torch's `DataLoader`."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...core.errors import summarize_error
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
        # Here an error, as of a full /dev/shm, is returned; the queue's own thread would drop the chunk.
        self._pixels = {shape: torch.stack(same).share_memory_() for shape, same in pixels.items()}

    def __iter__(self) -> Iterator[LoadedPair]:
        """Yield the pairs with their pixels."""
        for entry in self._pairs:
            if isinstance(entry, tuple):
                pair, shape, index = entry
                yield replace(pair, pixels=self._pixels[shape][index])
            else:
                yield entry


class _Chunks(Dataset[_Chunk]):
    """Maps pickled lists of sent pairs, in the place of a dataset's indices, to chunks of prepared pairs."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def __getitem__(self, pairs: bytes) -> _Chunk:
        sent = pickle.loads(pairs)  # noqa: S301 - our own
        return _Chunk([self._prepare(_received(*one)) for one in sent])


def load_pairs(
    pairs: Iterable[ListedPair], prepare: Prepare, workers: int
) -> Generator[LoadedPair, None, None]:
    """Yield prepared pairs in their order; a bounded number of them is loaded ahead.

    The processes end with the generator: when it is exhausted, raises an error, or is closed.

    Args:
        pairs: the pairs.
        prepare: reads one pair.
        workers: number of processes; with 0, pairs are loaded in this process, one after the other.

    Raises:
        RuntimeError: a process has ended, for example because the system killed it when memory ran out.
        Exception: as the iteration over ``pairs`` raises it.
    """
    if workers == 0:
        yield from map(prepare, pairs)
        return
    lists = _Lists(pairs)
    loader = DataLoader(
        _Chunks(prepare),
        sampler=cast(Iterable[int], lists),  # torch's types allow integers only
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        worker_init_fn=_follow_program,
        generator=torch.Generator(device="cpu"),  # not the one that the program may have seeded
    )
    chunks: Iterator[_Chunk] | None = None
    try:
        with torch.device("cpu"):  # also in the processes: a forked one cannot use CUDA
            chunks = iter(loader)
        yield from itertools.chain.from_iterable(chunks)
    except BaseException as error:
        # torch ends the processes when nothing refers to their iterator any more, and a traceback does.
        traceback.clear_frames(error.__traceback__)
        if error is lists.error or not isinstance(error, Exception):
            raise
        *_, cause = str(error).strip().splitlines() or [""]
        raise RuntimeError(
            f"a process that reads pictures has ended ({type(error).__name__}: {cause}). Mostly the memory "
            "was full, or the shared memory of a container (docker run --shm-size=8g). What is finished is "
            f"kept: start the run again to continue it, with fewer workers than {workers}; workers=0 reads "
            "pictures in this process"
        ) from error
    finally:
        del chunks


def default_workers() -> int:
    """Return the default number of processes: one for every core, at most 16; 0 on Windows and macOS.

    On those, processes are not forked: each would import torch again, and a script without
    ``if __name__ == "__main__"`` would start itself again.
    """
    return min(16, torch.get_num_threads()) if sys.platform == "linux" else 0


def _follow_program(_worker: int) -> None:
    """Let this process end when the program that started it does, and at no other time.

    An interrupt, which a terminal sends to all processes, is left to the program. If that is killed, torch's
    own watchdog only ends its loop: the process would wait forever for a reader of its queue.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program = os.getppid()

    def watch() -> None:
        while os.getppid() == program:
            time.sleep(_POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Lists:
    """Pairs in pickled lists of `_CHUNK`.

    The loader's own thread would drop a list that cannot be pickled, and wait for its result for ever.

    Attributes:
        error: that the source of the pairs has raised. All other errors are of the processes.
    """

    def __init__(self, pairs: Iterable[ListedPair]) -> None:
        self._pairs = pairs
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        pairs = iter(self._pairs)
        try:
            while chunk := list(itertools.islice(pairs, _CHUNK)):
                yield pickle.dumps([_sent(pair) for pair in chunk])
        except BaseException as error:
            self.error = error
            raise


def _sent(pair: ListedPair) -> tuple[ListedPair, bytes]:
    """Return a pair without its picture, and the picture pickled alone: it may be any object."""
    if not isinstance(pair, Pair):
        return pair, b""
    try:
        return pair.without_image(), pickle.dumps(pair.image)
    except Exception as error:  # noqa: BLE001
        return _not_sent(pair, f"its picture, of type {type(pair.image).__name__}", error), b""


def _received(pair: ListedPair, image: bytes) -> ListedPair:
    """Return a sent pair with its picture."""
    if not isinstance(pair, Pair):
        return pair
    try:
        return replace(pair, image=pickle.loads(image))  # noqa: S301 - our own
    except Exception as error:  # noqa: BLE001
        return _not_sent(pair, "its picture", error)


def _not_sent(pair: Pair, picture: str, error: Exception) -> FailedPair:
    problem = TypeError(f"{picture}, cannot be sent to a process: {summarize_error(error)}")
    return FailedPair.of(pair, "picture", problem)
