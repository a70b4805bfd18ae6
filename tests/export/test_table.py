"""The table with a row per word."""

from __future__ import annotations

import numpy as np
import pytest

from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_the_table_has_a_row_and_a_peak_for_each_word(e: Explanation) -> None:
    table = e.to_frame()
    assert table["word"].tolist() == ["a", "red-ish", "dog", "running"]
    row, col = np.unravel_index(e.word_map("dog", "left out").argmax(), GRID)
    assert table["peak_x"][2] == 5 + (col + 0.5) * 10
    assert table["peak_y"][2] == 2 + (row + 0.5) * 12
    np.testing.assert_allclose(table["sum"], e.word_maps("left out").sum((1, 2)))
    caption_only = make_explanation(left_out=None)
    np.testing.assert_allclose(caption_only.to_frame()["sum"], e.word_maps().sum((1, 2)))


def test_the_table_has_a_column_for_each_measure(e: Explanation) -> None:
    measures = "shapley evidence leave_one_out grad_eclip integrated_gradients"
    columns = f"word importance {measures} sum peak peak_x peak_y read known"
    assert list(e.to_frame()) == columns.split()
    for table, default in (
        (e.to_frame(), "shapley"),
        (make_explanation(reference=True).to_frame(), "grad_eclip"),
    ):
        assert table["importance"].tolist() == table[default].tolist()
        for name in e.importance_measures:
            assert table[name.replace("-", "_")].tolist() == e.importance(name).tolist()
    bare = make_explanation(word_effects=None, integrated_gradients=None, shapley=None).to_frame()
    assert bare[["leave_one_out", "integrated_gradients"]].isna().all(axis=None)
    assert bare["importance"].tolist() == e.importance("evidence").tolist()
