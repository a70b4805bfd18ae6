"""The gallery's Python side: its rows and their order, its answers to views, and the open pair."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import traitlets
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.widget.gallery import Gallery, browse

from .gallery_run import write_pairs

PATIENCE = 30  # seconds until a test fails
PAIRS = 700


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs over the same generated pairs, with different maps."""
    folder = tmp_path_factory.mktemp("runs")
    errors = [
        {
            "id": f"bad-{n}",
            "position": PAIRS + n,
            "caption": "a dog",
            "image": f"{n}.png",
            "stage": "picture",
            "error": "ValueError",
            "reason": f"'{n}.png' is a damaged picture",
        }
        for n in range(3)
    ]
    other = {"name": "rollout", "label": "Rollout", "options": {}}
    return (
        write_pairs(folder / "one", PAIRS, errors=errors),
        write_pairs(folder / "two", PAIRS, seed=1, method=other),
    )


@pytest.fixture
def gallery(runs: tuple[Path, Path]) -> Iterator[Gallery]:
    """The first run alone."""
    gallery = browse(runs[0])
    yield gallery
    gallery.close()


def test_a_host_without_the_live_view_gets_a_picture_of_the_first_pairs(gallery: Gallery) -> None:
    gallery.filter(sort="score", descending=True)
    data, _ = gallery._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == gallery.model_id
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as sheet:
        assert sheet.width > sheet.height > 400
        tile = np.asarray(sheet.convert("RGB"), int)[10:138, 10:138]
    assert np.ptp(tile, axis=(0, 1)).min() > 50, "the first thumbnail"
    without_pictures = re.sub("<img[^>]*>", "", data["text/html"])
    for caption in gallery.rows["caption"][:12]:
        assert f"“{caption}”" in data["text/plain"]
        assert f"“{caption}”" in without_pictures
    assert f"body:has(.gradeclip-live-{gallery.model_id} .gradeclip)" in gallery._repr_html_()


def test_an_empty_gallery_has_a_line_of_text(gallery: Gallery) -> None:
    gallery.filter(text="no such caption")
    data, _ = gallery._repr_mimebundle_()
    assert "image/png" not in data
    assert f"0 of {PAIRS} pairs" in data["text/plain"]


def test_sorts_by_every_measure(gallery: Gallery) -> None:
    assert gallery.rows["position"].tolist() == list(range(PAIRS))
    for sort in ("score", "concentration"):
        gallery.filter(sort=sort, descending=True)
        assert gallery.rows[sort].is_monotonic_decreasing
        gallery.descending = False
        assert gallery.rows[sort].is_monotonic_increasing


def test_filters_by_text_word_and_score(gallery: Gallery) -> None:
    everything = gallery.rows
    gallery.text = "DOG"
    assert 0 < len(gallery.rows) < PAIRS
    assert gallery.rows["caption"].str.contains("dog").all()
    low, high = everything["score"].quantile([0.25, 0.5])
    gallery.filter(text="", score_range=(low, high))
    assert gallery.rows["score"].between(low - 1e-6, high + 1e-6).all()
    assert len(gallery.rows) == pytest.approx(PAIRS / 4, rel=0.05)
    gallery.score_range = None
    counts = {}
    for role in ("any", "counts", "ignored"):
        gallery.filter(word="a", word_role=role)
        counts[role] = len(gallery.rows)
        for row in gallery.rows.itertuples():
            index = [w.lower() for w in row.words].index("a")
            share = row.importances[index] / max(row.importances)
            assert role == "any" or (share >= 0.25 if role == "counts" else share <= 0.05)
    assert counts["any"] > counts["counts"] + counts["ignored"] - 1
    assert counts["any"] > 0


def test_compares_two_runs(runs: tuple[Path, Path]) -> None:
    gallery = browse(*runs, sort="disagreement", descending=True)
    gallery.wait(PATIENCE)
    rows = gallery.rows
    assert len(rows) == PAIRS
    assert rows["disagreement"].is_monotonic_decreasing
    assert 0 <= rows["disagreement"].min() < rows["disagreement"].max() <= 1
    gallery.close()
    first, second = (pd.read_parquet(run / "pairs") for run in runs)
    for row in rows.head(5).itertuples():
        one, other = (
            np.maximum(frame["map"][row.position].astype(np.float64), 0)
            for frame in (first, second)
        )
        cosine = one @ other / np.sqrt((one @ one) * (other @ other))
        assert row.disagreement == pytest.approx(1 - cosine, abs=1e-5)


def answer(gallery: Gallery, **request: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Send a request as a view does, and return the answer."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    gallery._answers._send = lambda content, buffers: sent.append((content, buffers))
    gallery._receive(gallery._grid, request, [])
    assert len(sent) == 1
    return sent[0]


def test_answers_with_the_requested_rows(gallery: Gallery) -> None:
    gallery.filter(sort="score", descending=True)
    generation = gallery._grid.order["generation"]
    content, buffers = answer(gallery, kind="rows", start=10, stop=14, generation=generation)
    json.dumps(content)
    assert (content["start"], len(content["tiles"])) == (10, 4)
    assert [tile["id"] for tile in content["tiles"]] == gallery.rows["id"][10:14].tolist()
    assert any(bytes(one[:2]) == b"\xff\xd8" or bytes(one[:4]) == b"RIFF" for one in buffers)


def test_requests_for_an_earlier_order_get_no_answer(gallery: Gallery) -> None:
    sent: list[Any] = []
    gallery._answers._send = lambda *answer: sent.append(answer)
    before = gallery._grid.order["generation"]
    gallery.sort = "score"
    gallery._receive(
        gallery._grid, {"kind": "rows", "start": 0, "stop": 5, "generation": before}, []
    )
    assert sent == []


def test_lists_the_failed_pairs(gallery: Gallery) -> None:
    assert gallery._grid.account["failed"] == 3
    assert "'0.png' is a damaged picture" in gallery._grid.account["lines"][2]
    content, _ = answer(gallery, kind="errors", start=0, stop=10)
    assert [error["id"] for error in content["errors"]] == ["bad-0", "bad-1", "bad-2"]
    assert gallery.errors["reason"][1] == "'1.png' is a damaged picture"


def test_opens_a_pair_with_the_explanation_of_the_run(tmp_path: Path, clip: gw.ClipModel) -> None:
    pairs = []
    for n, scene in enumerate(gw.demo.scenes()[:3]):
        scene.image.save(tmp_path / f"{n}.png")
        pairs.append((str(tmp_path / f"{n}.png"), scene.caption))
    run = gw.explain_dataset(pairs, tmp_path / "out", model=clip, progress=False, workers=0)
    gallery = browse(run.path, model=clip)
    row = run.to_frame().iloc[1]
    gallery.selected = row["id"]
    gallery.wait(PATIENCE)
    assert gallery._grid.opened == {"id": row["id"], "index": 1, "status": "ready", "sentence": ""}
    assert gallery.detail is not None
    explanation = gallery.detail.explanation
    assert explanation.caption == row["caption"]
    assert explanation.score == pytest.approx(row["score"], abs=1e-6)
    np.testing.assert_allclose(explanation.word_importance, row["importances"], atol=1e-5)
    gallery._receive(gallery._grid, {"kind": "step", "by": 1}, [])
    gallery.wait(PATIENCE)
    assert gallery.selected == run.to_frame()["id"][2]
    gallery.selected = None
    assert gallery.detail is None
    (tmp_path / "0.png").unlink()
    gallery.selected = run.to_frame()["id"][0]
    gallery.wait(PATIENCE)
    assert gallery._grid.opened["status"] == "failed"
    assert "cannot be found any more" in gallery._grid.opened["sentence"]
    gallery.close()


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("sort", "energy", "energy.*no pair .* box"),
        ("sort", "disagreement", "disagreement.*other="),
        ("sort", "size", "size"),
        ("score_range", (0.5, 0.1), "0.5, 0.1.*lowest"),
        ("word_role", "loud", "loud"),
        ("selected", "none of them", "none of them.*id"),
    ],
)
def test_wrong_values_raise(gallery: Gallery, trait: str, value: Any, message: str) -> None:
    before = getattr(gallery, trait)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(gallery, trait, value)
    assert getattr(gallery, trait) == before
    with pytest.raises(TypeError, match=r"colour.*sort"):
        gallery.filter(colour="red")


def test_an_open_run_can_be_passed_in_place_of_its_folder(runs: tuple[Path, Path]) -> None:
    one, two = map(gw.open_run, runs)
    for arguments in ((one, two), runs):
        gallery = browse(*arguments)
        assert repr(gallery).endswith(f"{PAIRS} of {PAIRS} pairs)")
        gallery.close()
    pd.testing.assert_frame_equal(gw.word_statistics(one, two), gw.word_statistics(*runs))


def test_folders_without_a_run_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none' does not exist"):
        browse(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no run"):
        browse(tmp_path)
    with pytest.raises(TypeError, match="out=3"):
        browse(3)  # type: ignore[arg-type]
