"""A real Ray cluster of two workers on this machine gives the rows of the local engine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import ray

import gradeclip_widget as gw
from gradeclip_widget.dataset.engines.ray_engine import RayOptions
from gradeclip_widget.dataset.runs.folder import pairs_files

from .conftest import Pairs, make_pairs

PAIRS = 120
OPTIONS: dict[str, Any] = {
    "batch_size": 8,
    "rows_per_part": 10,
    "thumbnails": False,
    "workers": 0,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two cores."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def held_items(pairs: Pairs, held: int, folder: Path) -> Any:
    """Return a dataset as PyTorch's whose item ``held`` can only be read when the pipe in a folder is open.

    The process that reads it writes its id there first.
    """

    class Items:  # in a function, so that Ray sends the class too
        def __len__(self) -> int:
            return len(pairs)

        def __getitem__(self, number: int) -> tuple[bytes, str]:
            if number == held:
                (folder / "process").write_text(str(os.getpid()))
                (folder / "pipe").read_bytes()
            return pairs[number]

    os.mkfifo(folder / "pipe")
    return Items()


def kill_reader(folder: Path) -> None:
    """Kill the process that waits for the pipe in a folder; from then on, there is a file in its place."""
    with (folder / "pipe").open("wb"):  # waits for the reader
        (folder / "file").touch()
        (folder / "file").replace(folder / "pipe")
        os.kill(int((folder / "process").read_text()), signal.SIGKILL)


def test_after_a_worker_was_killed_every_pair_has_one_row(
    small: gw.ClipModel, tmp_path: Path, cluster: None
) -> None:
    pairs = [*make_pairs(PAIRS - 1), (b"no picture", "a dog")]
    items = held_items(pairs, PAIRS // 2, tmp_path)
    killer = threading.Thread(target=kill_reader, args=(tmp_path,), daemon=True)
    killer.start()
    run = gw.explain_dataset(
        items,
        tmp_path / "ray",
        model=small,
        engine="ray",
        progress=False,
        ray_options={"actors": 2, "cpus_per_actor": 1},
        **OPTIONS,
    )
    killer.join(5)
    assert not killer.is_alive()
    assert (run.explained, run.failed) == (PAIRS - 1, 1)
    local = gw.explain_dataset(pairs, tmp_path / "local", model=small, progress=False, **OPTIONS)
    check_equal(run.to_frame(), local.to_frame())
    assert run.errors.position.tolist() == [PAIRS - 1]


def check_equal(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """The rows are the same, and their values equal to a few millionths: the batches differ."""
    assert one.position.tolist() == other.position.tolist() == list(range(PAIRS - 1))
    assert one.caption.tolist() == other.caption.tolist()
    np.testing.assert_allclose(one.score, other.score, atol=1e-6)
    for column in ("map", "importances"):
        a, b = np.concatenate(one[column]), np.concatenate(other[column])
        np.testing.assert_allclose(a, b, atol=3e-6 * np.abs(b).max())


def test_continues_a_run_of_the_local_engine(
    small: gw.ClipModel, tmp_path: Path, cluster: None
) -> None:
    pairs = make_pairs(12)
    options = OPTIONS | {"rows_per_part": 4}
    whole = gw.explain_dataset(pairs, tmp_path, model=small, progress=False, **options).to_frame()
    pairs_files(tmp_path)[1].unlink()
    seen: list[tuple[str, int, int | None]] = []
    gw.explain_dataset(
        pairs,
        tmp_path,
        model=small,
        engine="ray",
        progress=lambda *step: seen.append(step),
        ray_options={"actors": 1, "cpus_per_actor": 1},
        **options,
    )
    assert seen == [("pairs", 8, 12), ("pairs", 12, 12)]
    again = pd.read_parquet(tmp_path / "pairs")
    np.testing.assert_allclose(again.score, whole.score, atol=1e-6)
    assert again.position.tolist() == list(range(12))


def test_bad_options(small: gw.ClipModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="actors=0"):
        RayOptions(actors=0)
    with pytest.raises(TypeError, match="workers_per_gpu"):
        gw.explain_dataset(
            make_pairs(1),
            tmp_path,
            model=small,
            engine="ray",
            progress=False,
            ray_options={"workers_per_gpu": 1},
        )


def test_no_cluster_at_the_address(small: gw.ClipModel, tmp_path: Path) -> None:
    ray.shutdown()
    with pytest.raises(ConnectionError, match="address='auto'"):
        gw.explain_dataset(
            make_pairs(1),
            tmp_path,
            model=small,
            engine="ray",
            progress=False,
            ray_options={"address": "auto"},
        )
