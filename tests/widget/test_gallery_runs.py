"""Runs that a gallery opens or refuses, and what it needs to open a pair of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.dataset import folder as run_folder
from gradeclip_widget.widget.gallery import Gallery, browse

from ..dataset.made import write_run
from .gallery_run import RECORD, write_pairs

PATIENCE = 30
FAILED = {
    "id": "bad",
    "position": 0,
    "caption": "a dog",
    "image": "0.png",
    "stage": "picture",
    "error": "OSError",
    "reason": "it is damaged",
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("many") / "run", 600, part=200)


def edit(run: Path, **values: Any) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | values))


class TestOpening:
    def test_brings_neither_torch_nor_pandas(self, many: Path) -> None:
        """Either takes longer to import than all the rest of opening takes."""
        code = (
            "import sys, numpy as np; from gradeclip_widget.widget.gallery import browse; "
            f"gallery = browse({str(many)!r}, sort='score'); "
            "gallery._answers._send = lambda *answer: None; "
            "asked = {'kind': 'rows', 'start': 0, 'stop': 9}; "
            "asked['generation'] = gallery._grid.order['generation']; "
            "gallery._receive(None, asked, []); "
            "print([name for name in ('torch', 'pandas', 'plotly') if name in sys.modules])"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        assert run.stdout.strip() == "[]"

    def test_a_part_that_is_not_done_yet_is_left_out(self, many: Path, tmp_path: Path) -> None:
        run = write_pairs(tmp_path / "run", 600, part=200)
        (run / "pairs" / "part-000001.parquet").unlink()
        gallery = browse(run)
        assert gallery.rows["position"].tolist() == [*range(200), *range(400, 600)]
        gallery.close()

    def test_a_run_of_failures_alone_shows_them(self, tmp_path: Path) -> None:
        gallery = browse(write_run(tmp_path / "run", [], errors=[FAILED], **RECORD))
        assert len(gallery.rows) == 0
        gallery.filter(text="dog", word="dog", word_role="counts", score_range=(0, 1))
        assert gallery._grid.failed["kinds"] == [
            {"stage": "picture", "error": "OSError", "count": 1}
        ]
        gallery.close()

    def test_a_run_without_thumbnails(self, tmp_path: Path) -> None:
        gallery = browse(write_run(tmp_path / "run", [{}, {}], **(RECORD | {"thumbnails": False})))
        sent: list[Any] = []
        gallery._answers._send = lambda content, buffers: sent.append((content, buffers))
        asked = {"kind": "rows", "start": 0, "stop": 2, "generation": 1}
        gallery._receive(gallery._grid, asked, [])
        ((content, buffers),) = sent
        assert [tile["thumbnail"] for tile in content["tiles"]] == [None, None]
        assert [len(buffer) for buffer in buffers] == [0, 2 * 49 * 4]
        gallery.close()

    def test_maps_that_differ_in_size_travel_whole(self, tmp_path: Path) -> None:
        rows = [
            {"map": [1.0, 2.0], "grid_rows": 1, "grid_cols": 2},
            {"map": [3.0, -4.0, 5.0], "grid_rows": 3, "grid_cols": 1},
        ]
        gallery = browse(write_run(tmp_path / "run", rows, None, **RECORD))
        sent: list[Any] = []
        gallery._answers._send = lambda content, buffers: sent.append((content, buffers))
        gallery._receive(gallery._grid, {"kind": "pair", "id": "1"}, [])
        ((content, buffers),) = sent
        (tile,) = content["tiles"]
        assert tile["map"]["grid"] == [3, 1]
        start, length = tile["map"]["at"]
        values = np.frombuffer(buffers[1], "<f4")[start : start + length]
        assert values.tolist() == [3, -4, 5]
        gallery.close()


class TestRefused:
    def test_no_pair_yet(self, tmp_path: Path) -> None:
        run = write_run(tmp_path / "run", [], **RECORD)
        with pytest.raises(ValueError, match=r"has no pair yet: start gw\.explain_dataset"):
            browse(run)

    def test_a_newer_format(self, tmp_path: Path) -> None:
        run = write_pairs(tmp_path / "run", 3)
        edit(run, format=run_folder.FORMAT + 1)
        with pytest.raises(ValueError, match=r"newer gradeclip-widget.*pip install --upgrade"):
            browse(run)

    @pytest.mark.parametrize("name", ["run.json", "pairs/part-000000.parquet"])
    def test_a_damaged_file(self, tmp_path: Path, name: str) -> None:
        run = write_pairs(tmp_path / "run", 3)
        (run / name).write_bytes(b"not this")
        with pytest.raises(ValueError, match=r"is damaged|cannot be read.*part-000000"):
            browse(run)

    def test_runs_that_share_no_pair(self, many: Path, tmp_path: Path) -> None:
        other = write_run(tmp_path / "other", [{"id": "another"}], **RECORD)
        with pytest.raises(
            ValueError, match=r"no id is in both \('pair-0' here, 'another' there\)"
        ):
            browse(many, other)

    @pytest.mark.parametrize(
        ("library", "what"), [("duckdb", "searches"), ("pyarrow.parquet", "need pyarrow")]
    )
    def test_without_the_extra(
        self, many: Path, library: str, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(
            ImportError, match=rf"{what}.*pip install 'gradeclip-widget\[dataset\]'"
        ):
            browse(many)

    def test_a_first_value_that_cannot_be(self, many: Path) -> None:
        with pytest.raises(TypeError, match="no 'sorted'; there are sort"):
            browse(many, sorted="score")

    def test_several_values_at_once_are_taken_together_or_not_at_all(self, many: Path) -> None:
        gallery = browse(many)
        with pytest.raises(Exception, match="sort='energy': no pair of this run has a box"):
            gallery.filter(text="dog", sort="energy")
        assert (gallery.text, gallery.sort, len(gallery.rows)) == ("", "position", 600)
        gallery.close()


class TestComparing:
    def test_pairs_that_only_one_run_has(self, many: Path, tmp_path: Path) -> None:
        other = write_pairs(tmp_path / "other", 300, seed=1)
        gallery = browse(many, other, sort="disagreement")
        gallery.wait(PATIENCE)
        apart = gallery.rows["disagreement"]
        assert apart.notna().tolist() == [True] * 300 + [False] * 300
        sent: list[Any] = []
        gallery._answers._send = lambda content, buffers: sent.append(content)
        for name in ("pair-0", "pair-500"):
            gallery._receive(gallery._grid, {"kind": "pair", "id": name}, [])
        here, only = (content["tiles"][0] for content in sent)
        row = gallery.rows.set_index("id").loc["pair-0"]
        assert here["disagreement"] == pytest.approx(row["disagreement"])
        assert (only["other"], only["disagreement"]) == (None, None)
        gallery.close()

    def test_another_order_ends_the_comparison(self, many: Path) -> None:
        gallery = browse(many, many)
        gallery.sort = "disagreement"
        gallery.sort = "score"
        gallery.wait(PATIENCE)
        assert gallery._grid.progress is None
        assert gallery.rows["score"].is_monotonic_increasing
        gallery.close()

    def test_runs_of_the_same_method_and_model_are_told_apart(
        self, many: Path, tmp_path: Path
    ) -> None:
        other = write_pairs(tmp_path / "smaller", 10)
        gallery = browse(many, other)
        assert gallery._grid.about["other"] == "Grad-ECLIP · demo (smaller)"
        gallery.close()


class TestPictures:
    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        """A table of two scenes, explained into ``out``."""
        (tmp_path / "pictures").mkdir()
        lines = []
        for n, scene in enumerate(gw.demo.scenes()[:2]):
            scene.image.save(tmp_path / "pictures" / f"{n}.png")
            lines.append(json.dumps({"image": f"pictures/{n}.png", "caption": scene.caption}))
        (tmp_path / "table.jsonl").write_text("\n".join(lines))
        return tmp_path / "table.jsonl"

    @pytest.fixture
    def out(self, table: Path, clip: gw.ClipModel) -> Path:
        out = table.parent / "out"
        return gw.explain_dataset(table, out, model=clip, progress=False, workers=0).path

    def opened(self, gallery: Gallery, index: int = 0) -> dict[str, Any]:
        gallery.selected = gallery.rows["id"][index]
        gallery.wait(PATIENCE)
        found: dict[str, Any] = gallery._grid.opened
        return found

    def test_are_found_in_another_source(self, table: Path, out: Path, clip: gw.ClipModel) -> None:
        (table.parent / "pictures").rename(table.parent / "moved")
        gallery = browse(out, model=clip)
        told = self.opened(gallery)
        assert told["status"] == "failed"
        assert "cannot be found any more" in told["sentence"]
        assert "gw.browse(out, source=...)" in told["sentence"]
        gallery.close()
        table.write_text(table.read_text().replace("pictures/", "moved/"))
        gallery = browse(out, model=clip, source=table)
        assert self.opened(gallery, 1)["status"] == "ready"
        assert gallery.detail is not None
        assert gallery.detail.prompt == gallery.rows["caption"][1]
        gallery.close()

    def test_that_are_others_now_are_not_explained(
        self, table: Path, out: Path, clip: gw.ClipModel
    ) -> None:
        Image.new("RGB", (31, 17)).save(table.parent / "pictures" / "0.png")
        gallery = browse(out, model=clip)
        assert "is another one now: 31 x 17 pixels, and it was" in self.opened(gallery)["sentence"]
        gallery.close()

    def test_a_model_that_was_an_object_is_asked_for(self, out: Path) -> None:
        gallery = browse(out)  # the fixture gave the run an object
        told = self.opened(gallery)
        assert told["status"] == "failed"
        assert "gw.browse(out, model=...)" in told["sentence"]
        gallery.close()

    def test_other_weights_are_told(self, out: Path, clip: gw.ClipModel) -> None:
        record = json.loads((out / "run.json").read_text())
        edit(out, model=record["model"] | {"weights": "0123456789abcdef"})
        gallery = browse(out, model=clip)
        told = self.opened(gallery)
        assert told["status"] == "ready"
        assert "'demo' has other weights than the one of the run" in told["sentence"]
        gallery.close()

    def test_the_run_s_method_and_options_explain_the_pair(self, table: Path) -> None:
        out = table.parent / "cam"
        run = gw.explain_dataset(
            table, out, method="grad-cam", fit="squash", progress=False, workers=0
        )
        gallery = browse(run.path)
        assert self.opened(gallery)["status"] == "ready"
        assert gallery.detail is not None
        e = gallery.detail.explanation
        assert (e.method, gallery.detail.method) == ("Grad-CAM", "grad-cam")
        row = run.to_frame().iloc[0]
        np.testing.assert_allclose(e.image_map.ravel(), np.maximum(row["map"], 0), atol=1e-5)
        assert e.score == pytest.approx(row["score"], abs=1e-6)
        gallery.close()

    def test_the_latest_pair_wins(self, out: Path, clip: gw.ClipModel) -> None:
        gallery = browse(out, model=clip)
        first, second = gallery.rows["id"]
        for name in (first, second, first, second):
            gallery.selected = name
        gallery.wait(PATIENCE)
        assert (gallery._grid.opened["id"], gallery._grid.opened["status"]) == (second, "ready")
        assert gallery.detail is not None
        assert gallery.detail.prompt == gallery.rows["caption"][1]
        gallery.close()

    def test_a_filter_that_leaves_the_open_pair_out_is_told(
        self, out: Path, clip: gw.ClipModel
    ) -> None:
        gallery = browse(out, model=clip)
        self.opened(gallery, 1)
        gallery.sort, gallery.descending = "position", True
        assert gallery._grid.opened["index"] == 0
        gallery.text = "no caption has this"
        assert gallery._grid.opened["index"] is None
        gallery.close()
