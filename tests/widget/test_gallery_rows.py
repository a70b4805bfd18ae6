"""Rows of a run: searched, read wherever they lie, and compared with those of another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gradeclip_widget.dataset.schema import ROW_GROUP
from gradeclip_widget.widget.gallery import browse
from gradeclip_widget.widget.gallery.disagreement import disagreements
from gradeclip_widget.widget.gallery.reader import MAP_COLUMNS, Maps, RowReader
from gradeclip_widget.widget.gallery.table import PairTable, Query

from ..dataset.made import write_run
from .gallery_run import RECORD

WHOLE = (0.0, 0.0, 200.0, 100.0)


def files(run: Path) -> list[Path]:
    return sorted((run / "pairs").glob("part-*.parquet"))


def maps(*given: Any, size: tuple[int, int] = (200, 100), cover: Any = WHOLE) -> Maps:
    """Maps of pictures of one size that cover the same part of them."""
    grids = np.array([np.shape(one) for one in given])
    return Maps(
        np.concatenate([np.ravel(one) for one in given]).astype(np.float32),
        np.concatenate([[0], np.cumsum(grids.prod(1))]),
        grids,
        np.array([size] * len(given)),
        np.array([cover] * len(given), float),
    )


class TestReading:
    @pytest.fixture(params=[4, None])
    def reader(self, tmp_path: Path, request: pytest.FixtureRequest) -> RowReader:
        """Rows whose maps hold their numbers: on one grid, and on grids of their own."""
        rows = [
            {
                "map": [float(n)] * (4 if request.param else 1 + n % 3),
                "grid_rows": 2 if request.param else 1,
                "grid_cols": 2 if request.param else 1 + n % 3,
            }
            for n in range(2 * ROW_GROUP + 200)
        ]
        run = write_run(tmp_path / "run", rows, request.param, part=ROW_GROUP + 100, **RECORD)
        counts = PairTable(files(run)).counts
        assert counts.tolist() == [ROW_GROUP + 100, ROW_GROUP + 100]
        return RowReader(files(run), counts, ["id", *MAP_COLUMNS])

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
    def test_rows_come_in_the_order_asked_for(self, reader: RowReader, rows: list[int]) -> None:
        table = reader.take(np.array(rows))
        assert table["id"].to_pylist() == [str(n) for n in rows]
        found = Maps.of(table)
        assert [float(found[k].max()) for k in range(len(rows))] == rows
        assert [found[k].shape for k in range(len(rows))] == [tuple(g) for g in found.grids]

    def test_all_rows_in_order(self, reader: RowReader) -> None:
        ids = [name for table in reader.batches(["id"]) for name in table["id"].to_pylist()]
        assert ids == [str(n) for n in range(2 * ROW_GROUP + 200)]

    def test_a_file_that_was_removed_is_told(self, reader: RowReader) -> None:
        for path in reader._files:
            path.unlink()
        with pytest.raises(ValueError, match=r"the run cannot be read any more: .*part-000001"):
            reader.take(np.array([400]))


class TestDisagreement:
    def one(self, ours: Maps, theirs: Maps) -> float:
        (found,) = disagreements(ours, theirs)
        return float(found)

    def test_is_one_less_the_cosine_of_positive_parts(self) -> None:
        dice = np.random.default_rng(0)
        a, b = dice.normal(size=(2, 5, 7, 7))
        found = disagreements(maps(*a), maps(*b))
        for n in range(5):
            x, y = np.maximum(a[n], 0), np.maximum(b[n], 0)
            cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
            assert found[n] == pytest.approx(1 - cosine, abs=1e-6)

    def test_of_the_same_map_is_none_and_of_other_places_all(self) -> None:
        left, right = [[1, 0], [1, -3]], [[-2, 1], [0, 1]]
        assert self.one(maps(left), maps(left)) == pytest.approx(0, abs=1e-6)
        assert self.one(maps(left), maps(right)) == 1

    def test_grids_of_other_sizes_are_compared_on_the_finer_one(self) -> None:
        def bump(rows: int, cols: int) -> NDArray[np.float64]:
            y, x = ((np.arange(n) + 0.5) / n for n in (rows, cols))
            return np.exp(-20 * ((y[:, None] - 0.4) ** 2 + (x[None] - 0.6) ** 2))

        apart = self.one(maps(bump(14, 14)), maps(bump(24, 7)))
        assert apart < 0.01
        assert self.one(maps(bump(24, 7)), maps(bump(14, 14))) == pytest.approx(apart, abs=1e-6)
        assert self.one(maps(bump(14, 14)), maps(bump(24, 7)[::-1])) > 0.2

    def test_maps_are_compared_where_in_the_picture_they_lie(self) -> None:
        """A map of the middle, and one of the whole picture that is the same there and more beside it."""
        y, x = np.mgrid[:10, :20]
        whole = np.exp(-((y - 4.5) ** 2 + (x - 9.5) ** 2) / 8.0)
        beside = np.where((x < 4) | (x > 15), 5.0, whole)
        middle = maps(whole[:, 5:15], cover=(50, 0, 150, 100))
        assert self.one(middle, maps(whole)) == pytest.approx(0, abs=1e-6)
        assert self.one(middle, maps(beside)) == pytest.approx(0, abs=1e-6)
        assert self.one(middle, maps(np.roll(whole, 4, 1))) > 0.3

    def test_without_anything_to_compare_there_is_no_number(self) -> None:
        assert np.isnan(self.one(maps([[-1, 0]]), maps([[1, 0]])))
        left, right = (0, 0, 90, 100), (100, 0, 200, 100)
        assert np.isnan(self.one(maps([[1]], cover=left), maps([[1]], cover=right)))

    def test_pairs_of_several_shapes_at_once(self) -> None:
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
        return PairTable(files(write_run(tmp_path / "run", rows, **RECORD)))

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
            ("sheep", "any", [1]),  # also where nothing was weighed
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
        low, high = np.float32(0.1), np.float32(0.3)
        query = Query(sort="score", descending=True, score_range=(float(low), float(high)))
        assert table.order(query).tolist() == [3, 2, 1]
        histogram = table.histogram(query)
        assert sum(histogram["counts"]) == 5  # of the other filters alone
        assert (histogram["low"], histogram["high"]) == pytest.approx((0, 0.4))

    def test_what_has_no_value_comes_last_either_way(self, tmp_path: Path) -> None:
        rows = [{"energy": value} for value in (0.5, None, 0.9)]
        run = write_run(tmp_path / "boxes", rows, **RECORD)
        gallery = browse(run, sort="energy")
        assert gallery.rows["id"].tolist() == ["0", "2", "1"]
        gallery.descending = True
        assert gallery.rows["id"].tolist() == ["2", "0", "1"]
        gallery.close()
