"""A stored run, read without a widget: its rows, searches in them, and the comparison with another run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gradeclip_widget as gw
from gradeclip_widget.dataset.runs.dataset_run import Comparison
from gradeclip_widget.dataset.runs.disagreement import disagreements
from gradeclip_widget.dataset.runs.reader import MAP_COLUMNS, Maps, RowReader
from gradeclip_widget.dataset.runs.schema import ROW_GROUP
from gradeclip_widget.dataset.runs.table import PairTable, Query

from .stored_run import write_run

WHOLE = (0.0, 0.0, 200.0, 100.0)
FAILURE = {
    "id": "bad",
    "position": 3,
    "caption": "a dog",
    "image": "3.png",
    "stage": "picture",
    "error": "OSError",
    "reason": "it is damaged",
    "traceback": "",
}


def maps(*values: Any, size: tuple[int, int] = (200, 100), cover: Any = WHOLE) -> Maps:
    """Return maps of pictures of one size that cover the same part of them."""
    grids = np.array([np.shape(one) for one in values])
    return Maps(
        np.concatenate([np.ravel(one) for one in values]).astype(np.float32),
        np.concatenate([[0], np.cumsum(grids.prod(1))]),
        grids,
        np.array([size] * len(values)),
        np.array([cover] * len(values), float),
    )


class TestOpening:
    def test_reads_rows_errors_and_counts(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "run", [{"foreign": True}, {}, {}], part=2, errors=[FAILURE])
        run = gw.open_run(folder)
        assert (run.explained, run.failed, run.foreign) == (3, 1, 1)
        assert (run.path, run.label) == (folder, "grad-eclip · demo")
        assert run.record["rows_per_part"] == 2
        assert run.to_frame()["position"].tolist() == [0, 1, 2]
        assert run.errors.to_dict("records") == [FAILURE]
        (failures,) = run.account.failed
        assert (failures.stage, failures.error, failures.count) == ("picture", "OSError", 1)
        assert f"such as {FAILURE['id']!r}: it is damaged." in str(run.account)

    def test_a_folder_with_wildcards_in_its_name(self, tmp_path: Path) -> None:
        run = gw.open_run(write_run(tmp_path / "a[b]*", [{"id": "one"}], errors=[FAILURE]))
        write_run(tmp_path / "ab", [{"id": "other"}])
        assert run.table.column("id").tolist() == ["one"]
        (failure,) = run.failures.page(0, 5)
        assert failure.items() < FAILURE.items()

    def test_imports_no_torch_and_no_widget(self, tmp_path: Path) -> None:
        write_run(tmp_path / "run", [{}])
        code = (
            f"import sys; from gradeclip_widget import open_run; run = open_run({str(tmp_path / 'run')!r}); "
            "run.table, run.failures, run.explained; "
            "print([name for name in ('torch', 'pandas', 'ipywidgets') if name in sys.modules])"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        assert run.stdout.strip() == "[]"

    def test_a_run_without_a_complete_part_raises(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "run", [{}])
        (folder / "pairs" / "part-000000.parquet").unlink()
        with pytest.raises(ValueError, match="run' has no complete part"):
            gw.open_run(folder)

    def test_disagreements_are_one_for_each_row(self, tmp_path: Path) -> None:
        left, right = [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]
        rows = [{"map": left}, {"map": right}, {"map": left}]
        run = gw.open_run(write_run(tmp_path / "run", rows, 4))
        other = gw.open_run(write_run(tmp_path / "other", [{"map": left}, {"map": left}], 4))
        values = run.disagreements(other)
        assert values[:2] == pytest.approx([0, 1], abs=1e-6)
        assert np.isnan(values[2])
        for name, pair, problem in (
            ("pictures", {"picture": "x"}, "other pictures"),
            ("captions", {"caption": "a cat"}, "no caption"),
        ):
            strangers = gw.open_run(write_run(tmp_path / name, [pair]))
            with pytest.raises(ValueError, match=f"share no pair: .*{problem}"):
                run.disagreements(strangers)

    def test_pairs_are_matched_by_picture_and_caption(self, tmp_path: Path) -> None:
        """Ids that repeat, rows that were added and the order of the rows do not matter."""
        rows = [
            {"picture": picture, "caption": caption, "id": "7"}
            for picture in ("one", "two")
            for caption in ("a dog", "a cat")
        ]
        run = gw.open_run(write_run(tmp_path / "run", rows))
        others = [{"picture": "new"}, *rows[::-1], rows[0]]
        other = gw.open_run(write_run(tmp_path / "other", others))
        assert Comparison.of(run, other).partners.tolist() == [4, 3, 2, 1]
        assert Comparison.of(other, run).partners.tolist() == [-1, 3, 2, 1, 0, -1]


class TestReading:
    @pytest.fixture(params=[4, None])
    def reader(self, tmp_path: Path, request: pytest.FixtureRequest) -> RowReader:
        """Rows whose maps contain the row's number: on one grid, and on different grids."""
        rows = [
            {
                "map": [float(n)] * (4 if request.param else 1 + n % 3),
                "grid_rows": 2 if request.param else 1,
                "grid_cols": 2 if request.param else 1 + n % 3,
            }
            for n in range(2 * ROW_GROUP + 200)
        ]
        folder = write_run(tmp_path / "run", rows, request.param, part=ROW_GROUP + 100)
        run = gw.open_run(folder)
        assert run.table.counts.tolist() == [ROW_GROUP + 100, ROW_GROUP + 100]
        return run.reader(["id", *MAP_COLUMNS])

    @pytest.mark.parametrize(
        "rows",
        [
            [0],
            [5, 4, 3],
            list(range(ROW_GROUP - 3, ROW_GROUP + 3)),  # over the end of a row group
            list(range(ROW_GROUP + 90, ROW_GROUP + 110)),  # and of a file
            [700, 1, 355, 356, 2, 2],
        ],
    )
    def test_rows_come_in_the_requested_order(self, reader: RowReader, rows: list[int]) -> None:
        table = reader.take(np.array(rows))
        assert table["id"].to_pylist() == [str(n) for n in rows]
        of_rows = Maps.of(table)
        assert [float(of_rows[k].max()) for k in range(len(rows))] == rows
        assert [of_rows[k].shape for k in range(len(rows))] == [tuple(g) for g in of_rows.grids]

    def test_all_rows_in_order(self, reader: RowReader) -> None:
        ids = [name for table in reader.batches(["id"]) for name in table["id"].to_pylist()]
        assert ids == [str(n) for n in range(2 * ROW_GROUP + 200)]

    def test_a_removed_file_raises(self, reader: RowReader) -> None:
        for path in reader._files:
            path.unlink()
        with pytest.raises(ValueError, match=r"part-000001.*not there any more"):
            reader.take(np.array([400]))


class TestDisagreement:
    def one(self, ours: Maps, theirs: Maps) -> float:
        (value,) = disagreements(ours, theirs)
        return float(value)

    def test_is_one_minus_the_cosine_of_the_positive_parts(self) -> None:
        dice = np.random.default_rng(0)
        a, b = dice.normal(size=(2, 5, 7, 7))
        values = disagreements(maps(*a), maps(*b))
        for n in range(5):
            x, y = np.maximum(a[n], 0), np.maximum(b[n], 0)
            cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
            assert values[n] == pytest.approx(1 - cosine, abs=1e-6)

    def test_is_0_for_equal_maps_and_1_for_separate_places(self) -> None:
        left, right = [[1, 0], [1, -3]], [[-2, 1], [0, 1]]
        assert self.one(maps(left), maps(left)) == pytest.approx(0, abs=1e-6)
        assert self.one(maps(left), maps(right)) == 1

    def test_maps_on_different_grids_are_compared_on_the_finer_grid(self) -> None:
        def bump(rows: int, cols: int) -> NDArray[np.float64]:
            y, x = ((np.arange(n) + 0.5) / n for n in (rows, cols))
            return np.exp(-20 * ((y[:, None] - 0.4) ** 2 + (x[None] - 0.6) ** 2))

        apart = self.one(maps(bump(14, 14)), maps(bump(24, 7)))
        assert apart < 0.01
        assert self.one(maps(bump(24, 7)), maps(bump(14, 14))) == pytest.approx(apart, abs=1e-6)
        assert self.one(maps(bump(14, 14)), maps(bump(24, 7)[::-1])) > 0.2

    def test_maps_are_compared_where_in_the_picture_they_lie(self) -> None:
        """One map covers the middle. The other covers the whole picture and is the same in the middle."""
        y, x = np.mgrid[:10, :20]
        whole = np.exp(-((y - 4.5) ** 2 + (x - 9.5) ** 2) / 8.0)
        beside = np.where((x < 4) | (x > 15), 5.0, whole)
        middle = maps(whole[:, 5:15], cover=(50, 0, 150, 100))
        assert self.one(middle, maps(whole)) == pytest.approx(0, abs=1e-6)
        assert self.one(middle, maps(beside)) == pytest.approx(0, abs=1e-6)
        assert self.one(middle, maps(np.roll(whole, 4, 1))) > 0.3

    def test_is_nan_if_nothing_can_be_compared(self) -> None:
        assert np.isnan(self.one(maps([[-1, 0]]), maps([[1, 0]])))
        left, right = (0, 0, 90, 100), (100, 0, 200, 100)
        assert np.isnan(self.one(maps([[1]], cover=left), maps([[1]], cover=right)))

    def test_compares_pairs_with_different_grids_at_once(self) -> None:
        first = [[1, 0], [0, 0]]
        ours = maps(first, [[0, 1]], first)
        theirs = maps(first, [[0, 1]], [[0, 0], [0, 1]])
        assert disagreements(ours, theirs) == pytest.approx([0, 0, 1], abs=1e-6)


class TestSearching:
    @pytest.fixture
    def table(self, tmp_path: Path) -> PairTable:
        captions = ["100% wool", "100 sheep", "A 'red' dog", "Ein Hund im GRÜNEN", "a dog, a dog"]
        weights = [
            [0.1, 0.2],
            None,
            [0.02, 0.3, 0.001],
            [-0.1, -0.2, -0.3, -0.1],
            [0, 0.1, 0, 0.02],
        ]
        rows = [
            {
                "caption": caption,
                "words": caption.replace("'", "").replace(",", "").split(),
                "importances": importances,
                "score": n / 10,
            }
            for n, (caption, importances) in enumerate(zip(captions, weights, strict=True))
        ]
        return gw.open_run(write_run(tmp_path / "run", rows)).table

    @pytest.mark.parametrize(
        ("text", "rows"),
        [
            ("100", [0, 1]),
            ("100%", [0]),  # no wildcard
            ("'red'", [2]),
            ("grünen", [3]),
            ("  dog ", [2, 4]),
            ("'; DROP TABLE pairs; --", []),
        ],
    )
    def test_captions(self, table: PairTable, text: str, rows: list[int]) -> None:
        assert table.order(Query(text=text)).tolist() == rows
        assert sum(table.histogram(Query(text=text))["counts"]) == len(rows)

    @pytest.mark.parametrize(
        ("word", "role", "rows"),
        [
            ("DOG", "any", [2, 4]),
            ("sheep", "any", [1]),  # its caption has no importances
            ("sheep", "counts", []),
            ("sheep", "ignored", []),
            ("red", "counts", [2]),
            ("red", "ignored", []),
            ("dog", "ignored", [2]),
            ("dog", "counts", [4]),
            ("hund", "ignored", [3]),  # every word lowers the score
            ("red dog", "any", [2]),
            ("red a", "any", [2]),
        ],
    )
    def test_words(self, table: PairTable, word: str, role: str, rows: list[int]) -> None:
        assert table.order(Query(word=word, word_role=role)).tolist() == rows

    def test_scores_and_their_histogram(self, table: PairTable) -> None:
        query = Query(sort="score", descending=True, score_range=(0.1, 0.3))
        assert table.order(query).tolist() == [3, 2, 1]
        histogram = table.histogram(query)
        assert sum(histogram["counts"]) == 5  # the range of scores is not applied
        assert (histogram["low"], histogram["high"]) == pytest.approx((0, 0.4))

    def test_rows_without_a_value_come_last_in_either_direction(self, tmp_path: Path) -> None:
        rows = [{"energy": value} for value in (0.5, None, 0.9)]
        table = gw.open_run(write_run(tmp_path / "boxes", rows)).table
        assert table.order(Query(sort="energy")).tolist() == [0, 2, 1]
        assert table.order(Query(sort="energy", descending=True)).tolist() == [2, 0, 1]
