"""Runs that a gallery opens, runs that raise an error, and what it needs to explain a pair."""

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
from gradeclip_widget.dataset.runs.schema import FORMAT
from gradeclip_widget.widget.gallery import Gallery, browse

from ..dataset.stored_run import write_run
from .gallery_run import RECORD, write_pairs

PATIENCE = 30  # seconds until a test fails
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
    def test_imports_neither_torch_nor_pandas(self, many: Path) -> None:
        """The import of either takes longer than all the rest of opening a gallery."""
        code = (
            "import sys, numpy as np; from gradeclip_widget.widget.gallery import browse; "
            f"gallery = browse({str(many)!r}, sort='score'); "
            "gallery._answers._send = lambda *answer: None; "
            "request = {'kind': 'rows', 'start': 0, 'stop': 9}; "
            "request['generation'] = gallery._grid.order['generation']; "
            "gallery._receive(None, request, []); "
            "print([name for name in ('torch', 'pandas', 'plotly') if name in sys.modules])"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        assert run.stdout.strip() == "[]"

    def test_leaves_out_parts_that_are_not_complete(self, many: Path, tmp_path: Path) -> None:
        run = write_pairs(tmp_path / "run", 600, part=200)
        (run / "pairs" / "part-000001.parquet").unlink()
        gallery = browse(run)
        assert gallery.rows["position"].tolist() == [*range(200), *range(400, 600)]
        gallery.close()

    def test_a_run_whose_pairs_all_failed(self, tmp_path: Path) -> None:
        gallery = browse(write_run(tmp_path / "run", [], errors=[FAILED], **RECORD))
        assert len(gallery.rows) == 0
        gallery.filter(text="dog", word="dog", word_role="counts", score_range=(0, 1))
        assert gallery._grid.account["failed"] == 1
        assert "1 pair failed reading the picture (OSError)" in gallery._grid.account["lines"][2]
        gallery.close()

    def test_a_run_without_thumbnails(self, tmp_path: Path) -> None:
        gallery = browse(write_run(tmp_path / "run", [{}, {}], **(RECORD | {"thumbnails": False})))
        sent: list[Any] = []
        gallery._answers._send = lambda content, buffers: sent.append((content, buffers))
        request = {"kind": "rows", "start": 0, "stop": 2, "generation": 1}
        gallery._receive(gallery._grid, request, [])
        ((content, buffers),) = sent
        assert [tile["thumbnail"] for tile in content["tiles"]] == [None, None]
        assert [len(buffer) for buffer in buffers] == [0, 2 * 49 * 4]
        gallery.close()

    def test_maps_that_differ_in_size(self, tmp_path: Path) -> None:
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


class TestErrors:
    def test_a_newer_format(self, tmp_path: Path) -> None:
        run = write_pairs(tmp_path / "run", 3)
        edit(run, format=FORMAT + 1)
        with pytest.raises(ValueError, match=rf"format {FORMAT + 1}.*--upgrade"):
            browse(run)

    @pytest.mark.parametrize("name", ["run.json", "pairs/part-000000.parquet"])
    def test_a_damaged_file(self, tmp_path: Path, name: str) -> None:
        run = write_pairs(tmp_path / "run", 3)
        (run / name).write_bytes(b"not this")
        with pytest.raises(ValueError, match=r"run\.json.*damaged|part-000000"):
            browse(run)

    def test_runs_that_share_no_pair(self, many: Path, tmp_path: Path) -> None:
        other = write_run(tmp_path / "other", [{"id": "another"}], **RECORD)
        with pytest.raises(ValueError, match=r"share no pair"):
            browse(many, other)

    @pytest.mark.parametrize(
        ("module", "library"), [("duckdb", "duckdb"), ("pyarrow.parquet", "pyarrow")]
    )
    def test_without_the_extra(
        self, many: Path, module: str, library: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=rf"need {library}.*\[dataset\]"):
            browse(many)

    def test_an_unknown_trait(self, many: Path) -> None:
        with pytest.raises(TypeError, match=r"'sorted'.*sort"):
            browse(many, sorted="score")

    def test_several_values_are_set_together_or_not_at_all(self, many: Path) -> None:
        gallery = browse(many)
        with pytest.raises(Exception, match=r"energy.*box"):
            gallery.filter(text="dog", sort="energy")
        assert (gallery.text, gallery.sort, len(gallery.rows)) == ("", "position", 600)
        gallery.close()


class TestComparing:
    def test_pairs_that_only_one_run_has(self, many: Path, tmp_path: Path) -> None:
        other = write_pairs(tmp_path / "other", 300, seed=1)
        gallery = browse(many, other, sort="disagreement")
        gallery.wait(PATIENCE)
        disagreements = gallery.rows["disagreement"]
        assert disagreements.notna().tolist() == [True] * 300 + [False] * 300
        sent: list[Any] = []
        gallery._answers._send = lambda content, buffers: sent.append(content)
        for name in ("pair-0", "pair-500"):
            gallery._receive(gallery._grid, {"kind": "pair", "id": name}, [])
        here, only = (content["tiles"][0] for content in sent)
        row = gallery.rows.set_index("id").loc["pair-0"]
        assert here["disagreement"] == pytest.approx(row["disagreement"])
        assert (only["other"], only["disagreement"]) == (None, None)
        gallery.close()

    def test_another_order_cancels_the_comparison(self, many: Path) -> None:
        gallery = browse(many, many)
        gallery.sort = "disagreement"
        gallery.sort = "score"
        gallery.wait(PATIENCE)
        assert gallery._grid.progress is None
        assert gallery.rows["score"].is_monotonic_increasing
        gallery.close()

    def test_runs_with_the_same_method_and_model_get_different_labels(
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
        opened: dict[str, Any] = gallery._grid.opened
        return opened

    def test_are_read_from_another_source(self, table: Path, out: Path, clip: gw.ClipModel) -> None:
        (table.parent / "pictures").rename(table.parent / "moved")
        gallery = browse(out, model=clip)
        opened = self.opened(gallery)
        assert opened["status"] == "failed"
        assert "cannot be found any more" in opened["sentence"]
        assert "gw.browse(out, source=...)" in opened["sentence"]
        gallery.close()
        table.write_text(table.read_text().replace("pictures/", "moved/"))
        gallery = browse(out, model=clip, source=table)
        assert self.opened(gallery, 1)["status"] == "ready"
        assert gallery.detail is not None
        assert gallery.detail.prompt == gallery.rows["caption"][1]
        gallery.close()

    def test_that_have_changed_are_not_explained(
        self, table: Path, out: Path, clip: gw.ClipModel
    ) -> None:
        picture = table.parent / "pictures" / "0.png"
        Image.open(picture).rotate(180).save(picture)
        gallery = browse(out, model=clip)
        assert f"{picture}' has changed since" in self.opened(gallery)["sentence"]
        gallery.close()

    def test_a_model_that_was_an_object_has_to_be_passed(self, out: Path) -> None:
        gallery = browse(out)  # the model of the fixture's run was an object
        opened = self.opened(gallery)
        assert opened["status"] == "failed"
        assert "gw.browse(out, model=...)" in opened["sentence"]
        gallery.close()

    def test_other_weights_are_noted(self, out: Path, clip: gw.ClipModel) -> None:
        record = json.loads((out / "run.json").read_text())
        edit(out, model=record["model"] | {"weights": "0123456789abcdef"})
        gallery = browse(out, model=clip)
        opened = self.opened(gallery)
        assert opened["status"] == "ready"
        assert "'demo' has other weights" in opened["sentence"]
        gallery.close()

    def test_are_explained_with_the_method_and_options_of_the_run(self, table: Path) -> None:
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

    def test_the_pair_selected_last_is_explained(self, out: Path, clip: gw.ClipModel) -> None:
        gallery = browse(out, model=clip)
        first, second = gallery.rows["id"]
        for name in (first, second, first, second):
            gallery.selected = name
        gallery.wait(PATIENCE)
        assert (gallery._grid.opened["id"], gallery._grid.opened["status"]) == (second, "ready")
        assert gallery.detail is not None
        assert gallery.detail.prompt == gallery.rows["caption"][1]
        gallery.close()

    def test_the_open_pair_has_no_index_if_the_filters_exclude_it(
        self, out: Path, clip: gw.ClipModel
    ) -> None:
        gallery = browse(out, model=clip)
        self.opened(gallery, 1)
        gallery.sort, gallery.descending = "position", True
        assert gallery._grid.opened["index"] == 0
        gallery.text = "no caption has this"
        assert gallery._grid.opened["index"] is None
        gallery.close()
