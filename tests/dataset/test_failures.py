"""Pairs that cannot be explained are reported one by one, and all others are explained."""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.clip.image_towers.class_token import ClassTokenTower
from gradeclip_widget.dataset.batch_size import BatchSize
from gradeclip_widget.dataset.explain_batch import is_out_of_memory

from .conftest import make_pairs, make_small

OPTIONS: dict[str, Any] = {"progress": False, "workers": 0, "rows_per_part": 8, "batch_size": 4}


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_pictures_fail_alone(small: gw.ClipModel, folder: Path, workers: int) -> None:
    """Of forty pictures, four are cut off, two are missing, one is text and one is empty."""
    for n in (3, 9, 10, 30):
        path = folder / f"{n:04}.png"
        path.write_bytes(path.read_bytes()[:60])
    for n in (11, 39):
        (folder / f"{n:04}.png").unlink()
    (folder / "0020.png").write_text("<html>not found</html>")
    (folder / "0021.png").write_bytes(b"")
    out = folder.parent / "out"
    run = gw.explain_dataset(folder, out, model=small, **OPTIONS | {"workers": workers})
    errors = pd.read_parquet(out / "errors").set_index("position")
    assert sorted(errors.index) == [3, 9, 10, 11, 20, 21, 30, 39]
    assert sorted([*run.to_frame().position, *errors.index]) == list(range(40))
    assert (run.explained, run.failed) == (32, 8)
    assert set(errors.stage) == {"picture"}
    for n, reason in {
        3: "is a damaged picture",
        11: "no picture at",
        20: "a web page",
        21: "is empty, 0 bytes long",
    }.items():
        assert reason in errors.reason[n]
        assert f"{n:04}.png" in errors.reason[n]
    assert errors.error[11] == "FileNotFoundError"


def test_captions_that_cannot_be_tokenized_fail_alone(small: gw.ClipModel, tmp_path: Path) -> None:
    (picture, caption), *_ = make_pairs(1)
    pairs = [(picture, caption), (picture, "x" * 30_000), (picture, "<end_of_text>")]
    gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    errors = pd.read_parquet(tmp_path / "errors")
    assert errors.position.tolist() == [1, 2]
    assert set(errors.stage) == {"caption"}
    assert "30,000 characters" in errors.reason[0]


def test_a_pair_on_which_the_model_fails_does_not_fail_its_batch(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = make_pairs(6)
    odd = gw.Explainer(small, fit="crop").encode(pairs[2][0]).picture.pixels
    trace_batch = ClassTokenTower.trace_batch

    def failing(tower: Any, pixels: torch.Tensor) -> Any:
        if any(torch.equal(one, odd[0]) for one in pixels):
            raise RuntimeError("a kernel gave up")
        return trace_batch(tower, pixels)

    monkeypatch.setattr(ClassTokenTower, "trace_batch", failing)
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert run.to_frame().position.tolist() == [0, 1, 3, 4, 5]
    (error,) = pd.read_parquet(tmp_path / "errors").itertuples()
    assert (error.position, error.stage, error.error) == (2, "model", "RuntimeError")
    assert error.reason == "a kernel gave up"


def test_a_caption_with_nan_fails_alone(tmp_path: Path) -> None:
    """Weights of one word are NaN. Its caption is in the same pass as the others."""
    clip = make_small()
    (token,) = clip.tokenizer.tokenizer.encode("zebra")
    clip.model.token_embedding.weight.data[token] = float("nan")
    pairs = make_pairs(3)
    pairs[1] = (pairs[1][0], "a zebra")
    run = gw.explain_dataset(pairs, tmp_path, model=clip, **OPTIONS)
    assert run.to_frame().position.tolist() == [0, 2]
    (reason,) = pd.read_parquet(tmp_path / "errors").reason
    assert "'a zebra'" in reason
    assert "token_embedding.weight has 64 NaN" in reason


def test_batches_shrink_when_memory_runs_out(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, trace_batch = list[int](), ClassTokenTower.trace_batch
    failed = list[weakref.ref[torch.Tensor]]()

    def small_memory(tower: Any, pixels: torch.Tensor) -> Any:
        sizes.append(len(pixels))
        assert not any(tensor() is not None for tensor in failed), "its memory is freed"
        if len(pixels) > 3:
            activations = pixels * 2
            failed.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return trace_batch(tower, pixels)

    monkeypatch.setattr(ClassTokenTower, "trace_batch", small_memory)
    pairs = make_pairs(24)
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS | {"batch_size": 8})
    assert run.to_frame().position.tolist() == list(range(24))
    assert sizes == [8, 4, 2, 2, 4, 2, 2, *[2] * 8]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        KeyError("visual"),
    ],
    ids=repr,
)
def test_an_error_that_stays_stops_the_run_and_loses_nothing(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """No pair is recorded as failed, and the next start explains the others only."""
    calls, trace_batch = list[int](), ClassTokenTower.trace_batch

    def breaks(tower: Any, pixels: torch.Tensor) -> Any:
        calls.append(len(pixels))
        if sum(calls) > 12:
            raise error
        return trace_batch(tower, pixels)

    monkeypatch.setattr(ClassTokenTower, "trace_batch", breaks)
    pairs = make_pairs(24)
    with pytest.raises(RuntimeError, match=re.escape(str(error))):
        gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    calls[:] = [-99]
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert (run.explained, run.failed) == (24, 0)
    assert sum(calls) + 99 == 12  # the others


@pytest.mark.parametrize(
    "error",
    [IndexError("index 5"), AssertionError(), ZeroDivisionError(), MemoryError("3.00 GiB")],
    ids=repr,
)
def test_an_unexpected_error_of_one_pair_is_recorded_with_its_traceback(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    pairs = make_pairs(5)
    odd = gw.Explainer(small, fit="crop").encode(pairs[0][0]).picture.pixels
    trace_batch = ClassTokenTower.trace_batch

    def failing(tower: Any, pixels: torch.Tensor) -> Any:
        if any(torch.equal(one, odd[0]) for one in pixels):
            raise error
        return trace_batch(tower, pixels)

    monkeypatch.setattr(ClassTokenTower, "trace_batch", failing)
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert run.to_frame().position.tolist() == [1, 2, 3, 4]
    (failure,) = run.errors.itertuples()
    assert (failure.stage, failure.error) == ("model", type(error).__name__)
    assert "in failing" in failure.traceback


def test_the_batch_size_grows_while_the_rate_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of up to 32 takes a second; a larger one takes longer in proportion to its size."""
    clock, sizes, seen = [0.0], BatchSize.of(None), list[int]()
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def explain(pairs: Sequence[Any]) -> list[Any]:
        seen.append(len(pairs))
        clock[0] += max(1.0, len(pairs) / 32)
        return list(pairs)

    while len(seen) < 8:
        sizes.run(explain, [None] * sizes.size)
    assert seen == [8, 8, 16, 32, 64, 32, 32, 32]
    sizes.run(explain, [None] * 5)
    assert sizes.size == 32


def test_recognizes_out_of_memory_errors() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("x"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"engine": "rays"}, "'rays'.*'ray'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"workers": -1}, "workers=-1"),
        ({"rows_per_part": 0}, "rows_per_part=0"),
        ({"method": "grad-clip"}, "'grad-clip'"),
        ({"resolution": 200}, "fit='crop'"),
    ],
)
def test_wrong_options_raise_before_a_file_is_written(
    small: gw.ClipModel, tmp_path: Path, option: dict[str, Any], message: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=message):
        gw.explain_dataset(make_pairs(1), out, model=small, **OPTIONS | option)
    assert not out.exists()


@pytest.mark.parametrize("option", [{"batch_size": 2.5}, {"workers": "two"}])
def test_options_of_a_wrong_type_raise(
    small: gw.ClipModel, tmp_path: Path, option: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=next(iter(option))):
        gw.explain_dataset(make_pairs(1), tmp_path, model=small, **OPTIONS | option)
