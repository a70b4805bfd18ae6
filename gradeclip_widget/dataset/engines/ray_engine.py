"""Compute a run on a cluster: Ray Data distributes parts to a pool of actors, each with its own model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from ...core.errors import missing_extra
from ..job import Job
from .parts import Part, explain_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.generic]]

_MAX_PARTS = 8  # in a task, all of which are computed again when an actor is lost
_MIN_TASKS = 4  # for each actor, so that all actors finish at about the same time


@dataclass(frozen=True)
class RayOptions:
    """How a cluster is used.

    Attributes:
        address: of a cluster to join, such as ``"auto"`` or ``"ray://head:10001"``. ``None`` takes the
            cluster that the program has already joined, or else starts one in this process.
        actors: how many models explain at once; by default one for every GPU of the cluster, or one for every
            two cores if it has no GPU.
        gpus_per_actor: GPUs of an actor; by default one if the cluster has any, else none.
        cpus_per_actor: cores of an actor; by default one for each process that loads pairs for it.
    """

    address: str | None = None
    actors: int | None = None
    gpus_per_actor: float | None = None
    cpus_per_actor: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.actors is not None and self.actors < 1:
            raise ValueError(f"actors={self.actors}: give at least 1")


def run_ray(job: Job, options: RayOptions) -> None:
    """Explain the pending pairs of a job on a cluster, and write them from this process.

    An actor explains some parts at a time. If its process or its machine is lost, Ray starts another one,
    which explains those parts from their beginning. Only this process writes parts, so that every pair is
    written once. The machines of the cluster need to see the pictures, but not the run's folder.

    Args:
        job: the run. Its model is on the CPU; each actor moves its copy to its GPU.
        options: how the cluster is used.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: there is no cluster at the address.
        OSError: a part cannot be written; earlier parts are not changed.
    """
    ray = _ray()
    joined = _join(ray, options.address)
    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False  # this process has its own
    logger.setLevel(logging.ERROR)
    try:
        for part in _explained_parts(ray, job, options):
            job.folder.write_part(part.number, part.rows, part.failed)
            job.report(len(part.rows) + len(part.failed))
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)
        if joined:
            ray.shutdown()


class _PartExplainer:
    """An actor, which explains the parts of a task.

    Args:
        job: reference to the `Job`, which Ray stores once for all actors.
    """

    def __init__(self, job: Any) -> None:
        ray = _ray()
        self.job: Job = ray.get(job)
        if ray.get_gpu_ids():
            self.job.explain.explainer.clip.model.to("cuda")
        elif cores := ray.get_runtime_context().get_assigned_resources().get("CPU"):
            torch.set_num_threads(max(1, int(cores)))

    def __call__(self, tasks: Columns) -> dict[str, list[Part]]:
        """Return the parts of ranges of positions (start, stop)."""
        ranges = zip(map(int, tasks["start"]), map(int, tasks["stop"]), strict=True)
        return {"part": list(explain_parts(self.job, ranges))}


def _ignore(_: Any) -> None:
    """Do nothing: the process that started the run counts and writes the parts that actors return."""


def _explained_parts(ray: Any, job: Job, options: RayOptions) -> Iterator[Part]:
    """Yield parts when the actors have explained them, in any order."""
    ranges = list(job.pending(bounded=True))
    if not ranges:
        return
    resources = ray.cluster_resources()
    gpus, cpus = resources.get("GPU", 0), resources.get("CPU", 1)
    per_actor = (1.0 if gpus else 0.0) if options.gpus_per_actor is None else options.gpus_per_actor
    actors = options.actors or max(1, int(gpus / per_actor if per_actor else cpus // 2))
    cores = min(job.workers, max(1, cpus // actors))
    tasks = _tasks(ranges, job.folder.rows_per_part, actors)
    dataset = ray.data.from_items(
        [{"start": start, "stop": stop} for start, stop in tasks],
        override_num_blocks=len(tasks),
    ).map_batches(
        _PartExplainer,
        fn_constructor_args=(ray.put(replace(job, report=_ignore, keep=_ignore)),),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(tasks))),
        num_gpus=per_actor,
        num_cpus=cores if options.cpus_per_actor is None else options.cpus_per_actor,
    )
    for row in dataset.iter_rows():
        part: Part = row["part"]
        yield part


def _tasks(ranges: list[tuple[int, int | None]], size: int, actors: int) -> list[tuple[int, int]]:
    """Split ranges of positions into tasks of whole parts.

    Each task starts its own processes that load pairs, so that larger tasks are cheaper.
    """
    bounded = [(start, stop) for start, stop in ranges if stop is not None]
    parts = sum(-(-(stop - start) // size) for start, stop in bounded)
    step = size * max(1, min(_MAX_PARTS, parts // (actors * _MIN_TASKS)))
    return [
        (first, min(first + step, stop))
        for start, stop in bounded
        for first in range(start, stop, step)
    ]


def _join(ray: Any, address: str | None) -> bool:
    """Join a cluster unless the program has joined one; return whether this call did."""
    if ray.is_initialized():
        return False
    options = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConnectionError(
            f"address={address!r}: cannot join a Ray cluster there ({error}); start one with "
            "`ray start --head`, or leave the address out to start one in this process"
        ) from error
    return True


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("ray", "ray", "runs on a cluster") from error
    return ray
