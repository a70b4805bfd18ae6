"""`explain_dataset`: explain every pair of a source and write the results as Parquet."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import did_you_mean
from ..core.progress import ProgressOption
from .libraries import require
from .runs import DatasetRun, open_run
from .runs.folder import RunFolder

if TYPE_CHECKING:
    from ..clip import ClipModel
    from ..clip.preprocessing import Fit
    from .pairs import PairSource

Engine = Literal["local", "ray"]
_ENGINES = ("local", "ray")
ROWS_PER_PART = 1000


def explain_dataset(
    source: Any,
    out: str | Path,
    *,
    model: str | ClipModel = "demo",
    method: str = "grad-eclip",
    method_options: Mapping[str, Any] | None = None,
    pretrained: str | None = None,
    device: str = "auto",
    dtype: str | None = None,
    fit: Fit | None = None,
    resolution: int | None = None,
    image_layers: int = 1,
    importances: bool = True,
    thumbnails: bool = True,
    engine: Engine = "local",
    resume: bool = True,
    batch_size: int | None = None,
    workers: int | None = None,
    rows_per_part: int = ROWS_PER_PART,
    progress: ProgressOption = True,
    ray_options: Mapping[str, Any] | None = None,
    **columns: Any,
) -> DatasetRun:
    """Explain every picture and caption of a source, and write one row for each as Parquet.

    The rows go to ``out/pairs/part-*.parquet``, the pairs that could not be explained, with the reasons, to
    ``out/errors/part-*.parquet``, and the model, the options, the source and the account of the run to
    ``out/run.json``. Every file is written completely or not at all.

    A run that ended early continues when it is started again. A row is taken over if the source still has its
    pair: the same caption and box, and the same picture, by its file, if that has not changed, or else by its
    pixels. New and changed pairs are explained, and pairs that failed are tried again. Rows of pairs that the
    source does not have any more stay in ``out/before/``. An interrupt (``KeyboardInterrupt``) loses nothing
    that the progress has counted. At its end a run prints its `Account`, unless ``progress`` is a callback or
    ``False``.

    >>> import tempfile, gradeclip_widget as gw
    >>> pairs = [(scene.image, scene.caption) for scene in gw.demo.scenes()[:2]]
    >>> run = gw.explain_dataset(pairs, tempfile.mkdtemp(), progress=False)
    >>> run.explained, run.failed
    (2, 0)

    Args:
        source: a folder of pictures with a table of their captions (CSV, TSV, JSONL or Parquet), such a
            table, COCO's captions (``.json``), a WebDataset (``"shards-{0000..0012}.tar"``, or a folder of
            them), the address of one of these (``s3://``, ``gs://``, ``az://``, ``https://``), a Hugging Face
            dataset (the object, a folder from ``save_to_disk``, or ``"hf:NAME"``), a PyTorch dataset, a table
            of pandas, Polars or pyarrow, or a list of (picture, caption). See `open_source`.
        out: the folder to write to: a new one, or that of the same run.
        model: a name as `load` takes it, or a `ClipModel`.
        method: as in `Explainer`.
        method_options: as in `Explainer`.
        pretrained: as in `load`.
        device: as in `load`.
        dtype: as in `load`.
        fit: as in `Explainer`. By default the model's own preprocessing, ``"crop"``, which gives the scores
            that are published for the model; ``"squash"`` if that preprocessing pads. ``"whole"`` keeps the
            aspect ratio of each picture, so that maps differ in size.
        resolution: as in `Explainer`; a value other than the model's own needs another ``fit``.
        image_layers: as in `Explainer`; with more than one, pictures are explained one by one.
        importances: whether to compute the words' importances, their Shapley values, which takes two short
            captions for every word.
        thumbnails: whether to store a small copy of every picture, for the gallery.
        engine: ``"local"`` for this machine, ``"ray"`` for a cluster.
        resume: whether to continue a run in ``out``.
        batch_size: number of pairs explained at once; ``None`` finds it by trial.
        workers: number of processes that load pictures ahead of the model, 0 for none; by default one for
            every core, at most 16, and 0 on Windows and macOS, where processes cannot be forked.
        rows_per_part: number of consecutive pairs in one file.
        progress: ``True`` for a progress bar with the rate and the time left; or a callback, called at the
            stage "pairs".
        ray_options: options of the engine ``"ray"``: ``address`` of a cluster to join, ``actors`` that
            explain at once, ``gpus_per_actor`` and ``cpus_per_actor``; see `RayOptions`.
        **columns: names of the source's columns, if they are unusual: ``image_column``, ``caption_column``,
            ``id_column``, ``box_column``; ``images``, the folder that paths are relative to; ``split`` of a
            Hugging Face dataset.

    Returns:
        The run, as `open_run` returns it.

    Raises:
        FileNotFoundError, ValueError, TypeError: the source, ``out`` or an option cannot be used; the message
            names it. ``out`` cannot be the folder of another run: one with other weights, layers,
            preprocessing, tokens, method or options.
        ImportError: a library is missing; the message names the extra that installs it.
        OSError: a file cannot be written, as on a full disk, or another program is writing to ``out``; start
            the run again to continue it.
        RuntimeError: the model fails on every pair from here on, as after an error of the GPU, or a process
            that reads pictures has ended; start the run again, in a new process, to continue it.
    """
    if engine not in _ENGINES:
        known = ", ".join(map(repr, _ENGINES))
        raise ValueError(f"no engine {engine!r}: there are {known}{did_you_mean(engine, _ENGINES)}")
    if rows_per_part < 1:
        raise ValueError(f"rows_per_part={rows_per_part}: give at least 1")
    _check_workers(workers)
    require("pyarrow.parquet", "tables of explained pairs")
    from ..clip import ClipModel, load
    from ..explain.explainer import Explainer
    from .batch_size import BatchSize
    from .engines.loading import default_workers
    from .engines.local import run_local
    from .explain_batch import BatchExplainer
    from .job import Job
    from .prepare import Preparation
    from .runs.record import record_of
    from .runs.resume import settle, take_up
    from .sources import open_source

    size = BatchSize.of(batch_size)
    pairs = open_source(source, **columns)
    load_arguments: dict[str, Any] | None = None
    if isinstance(model, ClipModel):
        clip = model
    else:
        load_arguments = {"name": str(model), "pretrained": pretrained, "dtype": dtype}
        # On a cluster each actor moves a copy to its own GPU.
        clip = load(**load_arguments, device="cpu" if engine == "ray" else device)
    explainer = Explainer(
        clip,
        method,
        method_options=method_options,
        fit=fit or default_fit(clip),
        resolution=resolution,
        image_layers=image_layers,
    )
    explain = BatchExplainer(explainer, importances)
    patches = explain.patches()
    record = record_of(
        explainer,
        pairs,
        load=load_arguments,
        importances=importances,
        thumbnails=thumbnails,
        rows_per_part=rows_per_part,
    )
    prepare = Preparation.of(explainer, thumbnails, explain.needs_pictures, pairs.covered)
    workers = default_workers() if workers is None else workers
    with RunFolder.locked(out, record, patches, resume) as folder:
        earlier = take_up(folder, pairs, record)
        with _progress(pairs, folder, progress) as report:
            job = Job(pairs, folder, earlier, explain, prepare, size, workers, report, folder.keep)
            if engine == "ray":
                from .engines.ray_engine import RayOptions, run_ray

                run_ray(job, RayOptions(**ray_options or {}))
            else:
                run_local(job)
        account = settle(folder, pairs)
        end = {"batch_size": size.size, "complete": True, "account": account.to_record()}
        folder.write_record(record | end)
    run = open_run(folder.path)
    if progress is True:
        print(account)
    if run.foreign and clip.foreign:
        warnings.warn(
            f"{run.foreign:,} of {run.explained:,} pairs have a picture that is foreign to the model "
            f"(column foreign). {clip.foreign.note}",
            stacklevel=2,
        )
    return run


def default_fit(clip: ClipModel) -> Fit:
    """Return the model's own ``fit``, or ``"squash"`` if that is to pad: maps then have one size."""
    return "squash" if clip.image_processor.crop_mode == "longest" else "crop"


def _check_workers(workers: int | None) -> None:
    if workers is None:
        return
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise TypeError(f"workers={workers!r}: give a whole number of processes, or None")
    if workers < 0:
        raise ValueError(f"workers={workers}: give 0 or more, or None for one for every core")


@contextmanager
def _progress(
    source: PairSource, folder: RunFolder, option: ProgressOption
) -> Iterator[Callable[[int], None]]:
    """Give a function that is called with numbers of completed pairs, and shows the progress.

    An interrupt gets a note of how many are done, and what to do to go on.
    """
    from tqdm.auto import tqdm

    total, done = source.count(), folder.count()
    call = option if callable(option) else None
    with tqdm(
        total=total, initial=done, unit="pair", disable=call is not None or not option
    ) as bar:

        def report(count: int) -> None:
            nonlocal done
            done += count
            bar.update(count)
            if call is not None:
                call("pairs", done, total)

        try:
            report(0)
            yield report
        except KeyboardInterrupt as interrupt:
            of_total = f" of {total:,}" if total is not None else ""
            interrupt.add_note(
                f"{done:,}{of_total} pairs are done and kept: start the same run again to go on"
            )
            raise
