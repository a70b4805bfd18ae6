"""Every pair of a source gets a row that is equal to the explanation of the pair alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.evidence import share_in
from gradeclip_widget.core.regions import coverage
from gradeclip_widget.dataset.explain_batch import concentration
from gradeclip_widget.dataset.runs.table import Query
from gradeclip_widget.dataset.sources.rows import read_box

from .conftest import Pairs, make_pairs

OPTIONS: dict[str, Any] = {"progress": False, "workers": 0}


def check_rows(frame: pd.DataFrame, explainer: gw.Explainer, pairs: Pairs) -> None:
    """Every row is equal to the explanation of its pair alone."""
    assert frame.position.tolist() == list(range(len(pairs)))
    for row, (image, caption) in zip(frame.itertuples(), pairs, strict=True):
        alone = explainer(image, caption)
        assert row.caption == caption
        assert list(row.words) == [word.text for word in alone.words]
        assert (row.grid_rows, row.grid_cols) == alone.patch_grid
        assert (row.width, row.height) == alone.image.size
        assert row.score == pytest.approx(alone.score, abs=1e-6)
        assert row.cover == pytest.approx(alone.cover)
        check_close(row.map, alone.signed_map.ravel())
        check_close(row.importances, alone.word_importance)
        expected = concentration(alone.signed_map) or np.nan  # NaN without positive patches
        assert row.concentration == pytest.approx(expected, abs=1e-4, nan_ok=True)


def check_close(values: Any, expected: Any) -> None:
    """The difference is at most 1e-5 of the largest value, or the rounding of a score."""
    tolerance = max(1e-5 * np.abs(expected).max(), 1e-7)
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("fit", ["crop", "squash", "whole"])
def test_rows_are_equal_to_single_explanations(
    small: gw.ClipModel, tmp_path: Path, fit: Any
) -> None:
    pairs = make_pairs(11)
    run = gw.explain_dataset(
        pairs, tmp_path / "out", model=small, fit=fit, batch_size=4, rows_per_part=5, **OPTIONS
    )
    assert (run.explained, run.failed) == (11, 0)
    assert len(list((run.path / "pairs").iterdir())) == 3
    check_rows(run.to_frame(), gw.Explainer(small, fit=fit), pairs)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("grad-cam", {}),
        ("m2ib", {"method_options": {"steps": 2}}),
        ("grad-eclip-without-lambda", {}),
        ("grad-eclip", {"image_layers": 2}),
    ],
)
def test_every_method(
    small: gw.ClipModel, tmp_path: Path, method: str, options: dict[str, Any]
) -> None:
    """Methods that map one picture at a time give rows, too."""
    pairs = make_pairs(4)
    run = gw.explain_dataset(pairs, tmp_path, model=small, method=method, **options, **OPTIONS)
    check_rows(run.to_frame(), gw.Explainer(small, method, fit="crop", **options), pairs)


def test_the_embedded_model_by_name(tmp_path: Path) -> None:
    pairs = [(scene.image, scene.caption) for scene in gw.demo.scenes()[:2]]
    run = gw.explain_dataset(pairs, tmp_path, device="cpu", **OPTIONS)
    explainer = gw.Explainer(gw.load("demo", device="cpu"), fit="crop")
    frame = run.to_frame()
    check_rows(frame, explainer, pairs)
    assert frame.model.unique().tolist() == ["demo"]
    assert frame.method.unique().tolist() == ["Grad-ECLIP"]


def test_counts_pictures_that_are_foreign_to_the_model(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    drawn = gw.demo.scenes()[0]
    pairs = [(noise, "a dog"), (drawn.image, drawn.caption), (noise, "a cat")]
    with pytest.warns(UserWarning, match="2 of 3 pairs"):
        run = gw.explain_dataset(pairs, tmp_path, device="cpu", **OPTIONS)
    assert run.foreign == 2
    assert run.to_frame().foreign.tolist() == [True, False, True]


def test_worker_processes_give_the_same_rows(small: gw.ClipModel, tmp_path: Path) -> None:
    pairs = make_pairs(19)
    options: dict[str, Any] = {"model": small, "progress": False, "batch_size": 4}
    none = gw.explain_dataset(pairs, tmp_path / "none", workers=0, **options).to_frame()
    two = gw.explain_dataset(pairs, tmp_path / "two", workers=2, **options).to_frame()
    columns = [name for name in none.columns if name != "seconds"]
    pd.testing.assert_frame_equal(none[columns], two[columns])


def test_without_importances_and_thumbnails(small: gw.ClipModel, tmp_path: Path) -> None:
    pairs = make_pairs(3)
    run = gw.explain_dataset(
        pairs, tmp_path, model=small, importances=False, thumbnails=False, **OPTIONS
    )
    frame = run.to_frame()
    assert frame.importances.isna().all()
    assert frame.thumbnail.isna().all()
    assert frame.score.notna().all()


def test_energy_in_the_box(small: gw.ClipModel, tmp_path: Path) -> None:
    box = (10, 5, 60, 80)
    rows = [
        {"image": image, "caption": caption, "box": box if n else None}
        for n, (image, caption) in enumerate(make_pairs(2))
    ]
    run = gw.explain_dataset(rows, tmp_path, model=small, fit="squash", **OPTIONS)
    first, second = run.to_frame().itertuples()
    assert np.isnan(first.energy)
    signed_map = second.map.reshape(second.grid_rows, second.grid_cols)
    covered = coverage(box, (second.width, second.height), signed_map.shape, second.cover)
    assert second.energy == pytest.approx(share_in(signed_map, covered))
    assert 0 < second.energy < 1


def test_a_box_that_cannot_be_taken_or_was_not_seen(small: gw.ClipModel, tmp_path: Path) -> None:
    """The pictures have 120 x 90 pixels; the model sees 15 to 105 of 120."""
    boxes = [
        (0, 0, 14, 90),  # not seen
        (0, 0, 30, 90),  # half of it
        (0.1, 0.2, 0.5, 0.6),
        (200, 10, 240, 60),
        (100, 40, 20, 30),
    ]
    image = make_pairs(1)[0][0]
    rows = [{"image": image, "caption": "a brown dog", "box": box} for box in boxes]
    run = gw.explain_dataset(rows, tmp_path / "pixels", model=small, **OPTIONS)
    unseen, half = run.to_frame().itertuples()
    assert np.isnan(unseen.energy)
    assert unseen.box_seen == 0
    assert half.box_seen == 0.5
    assert np.isfinite(half.energy)
    errors = run.errors
    assert errors.stage.tolist() == ["box", "box", "source"]
    for reason, words in zip(
        errors.reason,
        (["(0.1, 0.2, 0.5, 0.6)", "fractions", "120 and 90"], ["(200, 10", "120 x 90"], ["COCO"]),
        strict=True,
    ):
        assert all(word in reason for word in words)


def test_boxes_in_fractions(small: gw.ClipModel, tmp_path: Path) -> None:
    image = make_pairs(1)[0][0]
    pixels, fractions = (30, 9, 60, 90), (0.25, 0.1, 0.5, 1)
    frames = [
        gw.explain_dataset(
            [{"image": image, "caption": "a dog", column: box}],
            tmp_path / column,
            model=small,
            box_column=column,
            **OPTIONS,
        ).to_frame()
        for column, box in [("box", pixels), ("box_fraction", fractions), ("normalized", fractions)]
    ]
    assert frames[1].energy[0] == frames[2].energy[0] == pytest.approx(frames[0].energy[0])
    with pytest.raises(ValueError, match=r"\(30, 9, 60, 90\).*outside 0 to 1"):
        read_box(pixels, fractions=True)


def test_words_that_were_not_read_have_no_importance(small: gw.ClipModel, tmp_path: Path) -> None:
    image = make_pairs(1)[0][0]
    rows = [(image, "dog " * 90 + "bird"), (image, "a bird")]
    run = gw.explain_dataset(rows, tmp_path, model=small, **OPTIONS)
    importances = run.to_frame().importances[0]
    read = 75
    assert np.isfinite(importances[:read]).all()
    assert np.isnan(importances[read:]).all()
    assert run.table.order(Query(word="bird")).tolist() == [0, 1]
    assert 0 not in run.table.order(Query(word="bird", word_role="ignored"))
    statistics = gw.word_statistics(run.path, minimum=1).set_index("word")
    assert statistics.pairs["bird"] == 1


def test_concentration() -> None:
    even, one = np.ones((5, 10), np.float32), np.full((5, 10), -1, np.float32)
    assert concentration(even) == pytest.approx(0.1)
    assert concentration(one) is None
    one[2, 3] = 2
    assert concentration(one) == 1


def test_pandas_polars_and_duckdb_read_the_files(small: gw.ClipModel, tmp_path: Path) -> None:
    run = gw.explain_dataset(make_pairs(7), tmp_path, model=small, rows_per_part=3, **OPTIONS)
    files = str(run.path / "pairs" / "*.parquet")
    frame = pd.read_parquet(run.path / "pairs")
    polars = pl.read_parquet(files)
    by_sql = duckdb.sql(f"SELECT * FROM '{files}' ORDER BY position").df()
    assert polars["map"].dtype == pl.Array(pl.Float32, 36)
    for other in (polars.sort("position")["score"].to_numpy(), by_sql["score"]):
        np.testing.assert_array_equal(other, frame.score)
    np.testing.assert_array_equal(np.stack(by_sql["map"]), np.stack(frame["map"]))


def test_progress_counts_every_pair(small: gw.ClipModel, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    pairs = [*make_pairs(5), (b"no picture", "a dog")]
    options: dict[str, Any] = {"model": small, "batch_size": 2, "workers": 0}
    gw.explain_dataset(pairs, tmp_path, progress=lambda *step: seen.append(step), **options)
    assert seen[0] == ("pairs", 0, 6)
    assert seen[-1] == ("pairs", 6, 6)
    done = [step[1] for step in seen]
    assert done == sorted(done)
    gw.explain_dataset(pairs, tmp_path, progress=lambda *step: seen.append(step), **options)
    assert seen[-1] == ("pairs", 6, 6)
