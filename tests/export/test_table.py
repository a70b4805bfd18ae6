"""The table with a row per word."""

from __future__ import annotations

import numpy as np
import pytest

from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation, with_values

FIVE = ["word", "importance", "lost_without", "x", "y"]


@pytest.fixture(scope="module")
def e() -> Explanation:
    return with_values(make_explanation(), [0.25, 0.5, -0.125, 0])


def test_the_table_has_a_row_for_each_word(e: Explanation) -> None:
    table = e.to_frame()
    assert list(table) == FIVE
    assert table["word"].tolist() == ["a", "red-ish", "dog", "running"]
    assert table["importance"].tolist() == [0.25, 0.5, -0.125, 0]
    assert table["lost_without"].tolist() == e.importance("leave-one-out").tolist()


def test_the_place_is_where_the_evidence_for_or_against_is_strongest(e: Explanation) -> None:
    table = e.to_frame()
    for word, extreme in (("red-ish", np.argmax), ("dog", np.argmin)):
        row, col = np.unravel_index(extreme(e.raw_map(word, "left out")), GRID)
        found = table[table["word"] == word].iloc[0]
        assert (found.x, found.y) == (5 + (col + 0.5) * 10, 2 + (row + 0.5) * 12)
    assert table[["x", "y"]].isna().all(axis=1).tolist() == [False, False, False, True]


def test_a_measure_that_was_not_computed_has_no_column() -> None:
    bare = make_explanation(word_effects=None, integrated_gradients=None, shapley=None)
    assert list(bare.to_frame()) == ["word", "importance", "x", "y"]
    full = bare.to_frame(full=True)
    assert list(full)[4:] == ["grad_eclip", "raw_sum", "raw_peak", "read", "known"]
    assert full["importance"].tolist() == bare.importance("evidence").tolist()
    assert not full.isna().all().any()


@pytest.mark.parametrize(("reference", "more"), [(False, "evidence"), (True, "shapley")])
def test_the_full_table_has_every_other_measure_and_nothing_twice(
    reference: bool, more: str
) -> None:
    e = make_explanation(reference=reference)
    full = e.to_frame(full=True)
    assert list(full)[:5] == FIVE
    assert more in full
    names = [name.replace("-", "_") for name in e.importance_measures]
    assert set(names) - set(full) == {names[0], "leave_one_out"}
    for name in set(e.importance_measures[1:]) - {"leave-one-out"}:
        assert full[name.replace("-", "_")].tolist() == e.importance(name).tolist()
    np.testing.assert_allclose(full["raw_sum"], e.raw_maps("left out").sum((1, 2)))
    np.testing.assert_allclose(full["raw_peak"], e.raw_maps("left out").max((1, 2)))
