"""A run that was interrupted continues, and two runs never share a folder."""

from __future__ import annotations

import errno
import json
import multiprocessing
import signal
import sys
from pathlib import Path
from typing import Any

import open_clip
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image, ImageFilter
from torchvision.transforms import Compose

import gradeclip_widget as gw
from gradeclip_widget.dataset.runs import record
from gradeclip_widget.dataset.runs.folder import pairs_files
from gradeclip_widget.dataset.runs.record import read_record

from ..clip.conftest import small_clip
from .conftest import make_pairs, write_folder

OPTIONS: dict[str, Any] = {"progress": False, "workers": 0, "batch_size": 4, "rows_per_part": 5}


def results(path: Path) -> pd.DataFrame:
    """The rows of a run, without what depends on when they were explained."""
    return pd.read_parquet(path / "pairs").drop(columns=["seconds", "taken_over"])


def test_continues_after_an_interrupt(small: gw.ClipModel, tmp_path: Path) -> None:
    pairs = make_pairs(23)

    def interrupt(stage: str, done: int, total: int | None) -> None:
        if done >= 12:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt) as kept:  # as a notebook keeps it, with its traceback
        gw.explain_dataset(pairs, out, model=small, **OPTIONS | {"progress": interrupt})
    (note,) = kept.value.__notes__
    assert note.startswith("14 of 23 pairs are done")
    done = pairs_files(out)
    assert [path.stem for path in done] == ["part-000000", "part-000001"]
    times = [path.stat().st_mtime_ns for path in done]
    run = gw.explain_dataset(pairs, out, model=small, **OPTIONS)
    assert [path.stat().st_mtime_ns for path in done] == times  # not explained again
    assert (run.explained, run.taken_over) == (23, 4)
    whole = gw.explain_dataset(pairs, tmp_path / "whole", model=small, **OPTIONS)
    pd.testing.assert_frame_equal(results(run.path), results(whole.path))


def test_a_missing_part_is_computed_again(small: gw.ClipModel, tmp_path: Path) -> None:
    pairs = make_pairs(17)
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    before = results(run.path)
    pairs_files(tmp_path)[1].unlink()
    gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    pd.testing.assert_frame_equal(results(run.path), before)


def explain_until_killed(model: gw.ClipModel, source: Path, out: Path, finished: Any) -> None:
    """Explain until three parts are finished and rows of the fourth are not; then wait to be killed."""

    def wait(stage: str, done: int, total: int | None) -> None:
        if done > 15:
            finished.send(None)
            signal.pause()

    torch.set_num_threads(1)  # a forked process has no other threads
    options = OPTIONS | {"progress": wait, "workers": 1}
    gw.explain_dataset(source, out, model=model, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="the process is forked")
def test_continues_after_a_kill(small: gw.ClipModel, tmp_path: Path) -> None:
    """Every pair has one row, as in a run that was not killed, whatever the kill left behind."""
    source, out = write_folder(tmp_path / "source", 40), tmp_path / "out"
    fork = multiprocessing.get_context("fork")  # another program would first import torch
    finished, send = fork.Pipe(duplex=False)
    process = fork.Process(target=explain_until_killed, args=(small, source, out, send))
    process.start()
    assert finished.poll(120)
    readers = psutil.Process(process.pid).children()
    process.kill()
    process.join()
    assert len(readers) == 1
    assert psutil.wait_procs(readers, timeout=60)[1] == [], "no process is left over"
    assert 2 <= len(pairs_files(out)) <= 3  # the third may have been about to be written
    (out / "pairs" / ".gradeclip-0123.parquet").write_bytes(b"half a file")
    run = gw.explain_dataset(source, out, model=small, **OPTIONS)
    whole = gw.explain_dataset(source, tmp_path / "whole", model=small, **OPTIONS)
    assert results(run.path).position.tolist() == list(range(40))
    pd.testing.assert_frame_equal(results(run.path), results(whole.path))
    assert not list(out.rglob(".gradeclip-*"))


def test_a_full_disk_does_not_damage_earlier_parts(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, write = make_pairs(23), pq.write_table

    def full(table: Any, where: Any, **options: Any) -> None:
        if len(pairs_files(tmp_path)) == 2 and "pairs" in str(where):
            Path(where).write_bytes(b"PAR1 and no more")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, where, **options)

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match=r"part-000002.*no space"):
        gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert results(tmp_path).position.tolist() == list(range(10))
    assert not list(tmp_path.rglob(".gradeclip-*"))
    monkeypatch.undo()
    assert gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS).explained == 23


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"method": "grad-cam"}, "method.name is 'grad-eclip' in the folder and 'grad-cam' now"),
        ({"fit": "squash"}, "settings.fit is 'crop' in the folder and 'squash' now"),
        ({"importances": False}, "importances is True in the folder and False now"),
        ({"rows_per_part": 7}, "rows_per_part is 5 in the folder and 7 now"),
        ({"method": "rise", "method_options": {"masks": 9}}, "method.options.masks is None"),
    ],
)
def test_another_run_in_the_folder_raises(
    small: gw.ClipModel, tmp_path: Path, change: dict[str, Any], difference: str
) -> None:
    pairs = make_pairs(3)
    gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    before = results(tmp_path)
    with pytest.raises(ValueError, match="another run") as caught:
        gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS | change)
    assert difference in str(caught.value)
    pd.testing.assert_frame_equal(results(tmp_path), before)


def test_other_weights_sources_or_versions_raise(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gw.explain_dataset(make_pairs(3), tmp_path / "out", model=small, **OPTIONS)
    weights = small.model.visual.proj.data
    before = weights.clone()
    weights += 1e-3
    try:
        with pytest.raises(ValueError, match=r"model.weights"):
            gw.explain_dataset(make_pairs(3), tmp_path / "out", model=small, **OPTIONS)
    finally:
        weights.copy_(before)
    write_folder(tmp_path / "source", 3)
    with pytest.raises(ValueError, match=r"source\.kind is 'list' in the folder and 'table' now"):
        gw.explain_dataset(tmp_path / "source", tmp_path / "out", model=small, **OPTIONS)
    monkeypatch.setattr(record, "version", lambda package: "99")
    with pytest.raises(ValueError, match=r"version is .* '99' now"):
        gw.explain_dataset(make_pairs(3), tmp_path / "out", model=small, **OPTIONS)


@pytest.fixture(scope="module")
def small_run(small: gw.ClipModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the small model."""
    out = tmp_path_factory.mktemp("run")
    gw.explain_dataset(make_pairs(1), out, model=small, **OPTIONS)
    return out


def changed(
    tokenizer: Any = None,
    step: Any = None,
    activation: type[torch.nn.Module] | None = None,
    dtype: str | None = None,
    **preprocessing: Any,
) -> gw.ClipModel:
    """The small model with other preprocessing, another tokenizer, activation or precision."""
    model = small_clip()
    if activation is not None:
        for block in model.visual.transformer.resblocks:
            block.mlp.gelu = activation()
    config = PreprocessCfg(**{"size": (96, 96), **preprocessing})
    steps = image_transform_v2(config, is_train=False).transforms
    preprocess = Compose([step, *steps] if step else steps)
    tokenizer = tokenizer or open_clip.SimpleTokenizer()
    return gw.ClipModel(model, preprocess, tokenizer, name="small", dtype=dtype)


def blurred(picture: Image.Image) -> Image.Image:
    """A step of preprocessing that no attribute tells of."""
    return picture.filter(ImageFilter.GaussianBlur(2))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"mean": (0.5, 0.5, 0.5)}, "preprocessing.mean is [0.48"),
        (
            {"interpolation": "bilinear"},
            "preprocessing.resize is 'bicubic' in the folder and 'bilinear' now",
        ),
        ({"step": blurred}, "preprocessing.pixels is "),
        (
            {"tokenizer": open_clip.SimpleTokenizer(clean="canonicalize")},
            "tokenizer.tokens is [49406, 320, 1125, ",
        ),
        (
            {"activation": torch.nn.GELU},
            "model.layers.QuickGELU is 7 in the folder and 4 now",
        ),
        ({"dtype": "bfloat16"}, "model.dtype is None in the folder and 'torch.bf"),
    ],
)
def test_equal_weights_with_other_inputs_or_layers_raise(
    small_run: Path, change: dict[str, Any], difference: str
) -> None:
    with pytest.raises(ValueError, match="another run") as caught:
        gw.explain_dataset(make_pairs(1), small_run, model=changed(**change), **OPTIONS)
    assert difference in str(caught.value)


def test_a_newer_format_or_a_damaged_record_raises(small: gw.ClipModel, tmp_path: Path) -> None:
    gw.explain_dataset(make_pairs(3), tmp_path, model=small, **OPTIONS)
    newer = read_record(tmp_path) | {"format": 2}
    (tmp_path / "run.json").write_text(json.dumps(newer))
    with pytest.raises(ValueError, match="format 2"):
        gw.explain_dataset(make_pairs(3), tmp_path, model=small, **OPTIONS)
    (tmp_path / "run.json").write_text("{half")
    with pytest.raises(ValueError, match=r"run\.json.*damaged"):
        read_record(tmp_path)


def test_folders_that_cannot_be_used(small: gw.ClipModel, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ValueError, match="other files"):
        gw.explain_dataset(make_pairs(1), tmp_path, model=small, **OPTIONS)
    with pytest.raises(ValueError, match=r"note\.txt.*file"):
        gw.explain_dataset(make_pairs(1), tmp_path / "note.txt", model=small, **OPTIONS)
    gw.explain_dataset(make_pairs(1), tmp_path / "out", model=small, **OPTIONS)
    with pytest.raises(ValueError, match="resume=True"):
        gw.explain_dataset(make_pairs(1), tmp_path / "out", model=small, resume=False, **OPTIONS)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_record(tmp_path / "none")
