"""Run on a cluster: Ray Data gives parts to a pool of actors, each with a model of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ...core.errors import missing_extra
from ..batch_size import BatchSize
from ..explain_batch import BatchExplainer
from ..pairs import PairSource
from ..prepare import Preparation
from ..runs.folder import RunFolder
from .parts import Batches, Part, explain_parts
from .reading import read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.generic]]

_PARTS = 8  # parts of a task, at most: as much is computed again where an actor is lost
_TASKS = 4  # tasks for each actor, at least, so that all end at about the same time


@dataclass(frozen=True)
class RayOptions:
    """How a cluster is used.

    Attributes:
        address: of a cluster to join, such as ``"auto"`` or ``"ray://head:10001"``; ``None`` takes the one
            that the program has joined already, else starts one in this process.
        actors: how many models explain at once; by default one for every GPU of the cluster, or, where it has
            none, one for every two cores.
        gpus_per_actor: GPUs that an actor gets; by default one where the cluster has any, else none.
        cpus_per_actor: cores that an actor gets; by default one for each process that reads for it.
    """

    address: str | None = None
    actors: int | None = None
    gpus_per_actor: float | None = None
    cpus_per_actor: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.actors is not None and self.actors < 1:
            raise ValueError(f"actors={self.actors}: give at least 1")


def run_ray(
    source: PairSource,
    folder: RunFolder,
    explain: BatchExplainer,
    prepare: Preparation,
    batch_size: BatchSize,
    workers: int,
    report: Callable[[int], object],
    options: RayOptions,
) -> None:
    """Explain the pairs of a source that are still to do on a cluster, and write them from here.

    An actor explains some parts at a time. Where its process or its machine is lost, Ray starts another,
    which explains those parts from their beginning. Parts come back to this process, which alone writes them,
    so that every pair is there once, and the cluster's machines need to see the pictures, but not ``folder``.

    Args:
        source: the pairs.
        folder: where the parts go.
        explain: the model, on the CPU; each actor moves its copy to its GPU.
        prepare: reads a pair.
        batch_size: how many pairs at once.
        workers: processes that read pairs ahead for each actor.
        report: called with the number of pairs done since the last call.
        options: how the cluster is used.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: there is no cluster at the address.
        OSError: a part cannot be written; those before it stay whole.
    """
    ray = _ray()
    own = _join(ray, options.address)
    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    shown, level = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False  # this process shows its own progress
    logger.setLevel(logging.ERROR)
    try:
        for part in _explained(ray, source, folder, explain, prepare, batch_size, workers, options):
            folder.write_part(part.number, part.rows, part.failed)
            report(len(part.rows) + len(part.failed))
    finally:
        context.enable_progress_bars = shown
        logger.setLevel(level)
        if own:
            ray.shutdown()


class _PartExplainer:
    """An actor: explains the parts that it is given.

    Args:
        state: the source, `BatchExplainer`, `Preparation` and `BatchSize`, kept once for all actors.
        rows_per_part: positions in each part.
        workers: processes that read pairs ahead.
    """

    def __init__(self, state: Any, rows_per_part: int, workers: int) -> None:
        ray = _ray()
        source, explain, prepare, batch_size = ray.get(state)
        if ray.get_gpu_ids():
            explain.explainer.clip.model.to("cuda")
        elif cores := ray.get_runtime_context().get_assigned_resources().get("CPU"):
            torch.set_num_threads(max(1, int(cores)))
        self.source, self.prepare = source, prepare
        self.batches = Batches(explain, batch_size)
        self.rows_per_part, self.workers = rows_per_part, workers

    def __call__(self, batch: Columns) -> dict[str, list[Part]]:
        """Return parts, for ranges of positions (start, stop)."""
        parts: list[Part] = []
        for start, stop in zip(batch["start"], batch["stop"], strict=True):
            pairs = read(self.source.pairs(int(start), int(stop)), self.prepare, self.workers)
            parts += explain_parts(pairs, self.rows_per_part, self.batches, _ignore)
        return {"part": parts}


def _ignore(count: int) -> None:
    """Do nothing: an actor's progress is seen by the parts that come back."""


def _explained(
    ray: Any,
    source: PairSource,
    folder: RunFolder,
    explain: BatchExplainer,
    prepare: Preparation,
    batch_size: BatchSize,
    workers: int,
    options: RayOptions,
) -> Iterator[Part]:
    """Yield parts as the actors have explained them, in any order."""
    ranges = list(_pending(source, folder))
    if not ranges:
        return
    resources = ray.cluster_resources()
    gpus, cpus = resources.get("GPU", 0), resources.get("CPU", 1)
    per_actor = (1.0 if gpus else 0.0) if options.gpus_per_actor is None else options.gpus_per_actor
    actors = options.actors or max(1, int(gpus / per_actor if per_actor else cpus // 2))
    cores = min(workers, max(1, cpus // actors))
    state = ray.put((source, explain, prepare, batch_size))
    tasks = _tasks(ranges, folder.rows_per_part, actors)
    dataset = ray.data.from_items(
        [{"start": start, "stop": stop} for start, stop in tasks],
        override_num_blocks=len(tasks),
    ).map_batches(
        _PartExplainer,
        fn_constructor_args=(state, folder.rows_per_part, workers),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(tasks))),
        num_gpus=per_actor,
        num_cpus=cores if options.cpus_per_actor is None else options.cpus_per_actor,
    )
    for row in dataset.iter_rows():
        part: Part = row["part"]
        yield part


def _pending(source: PairSource, folder: RunFolder) -> Iterator[tuple[int, int]]:
    """Yield the ranges of positions that are still to do."""
    count = source.count()
    if count is None:
        count = sum(1 for _ in source.pairs())
    for start, stop in folder.pending(count):
        assert stop is not None
        yield start, stop


def _tasks(ranges: list[tuple[int, int]], size: int, actors: int) -> list[tuple[int, int]]:
    """Split ranges of positions into tasks of some whole parts.

    Each task starts processes that read ahead, so it has up to `_PARTS` parts; but every actor gets some.
    """
    parts = sum(-(-(stop - start) // size) for start, stop in ranges)
    step = size * max(1, min(_PARTS, parts // (actors * _TASKS)))
    return [
        (first, min(first + step, stop))
        for start, stop in ranges
        for first in range(start, stop, step)
    ]


def _join(ray: Any, address: str | None) -> bool:
    """Join a cluster, and return whether that was done here."""
    if ray.is_initialized():
        return False
    options = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConnectionError(
            f"address={address!r}: no Ray cluster could be joined there ({error}); start one with "
            "`ray start --head`, or leave the address out for one in this process"
        ) from error
    return True


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("ray", "ray", "runs on a cluster") from error
    return ray
