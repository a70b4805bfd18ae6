"""Measures of localization on maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradeclip_widget.evaluation.pointing import energy_in_mask, pointing_hit, spread

LEFT = np.zeros((32, 32), bool)
LEFT[:, :16] = True
GRIDS = arrays(np.float32, (4, 4), elements=st.floats(-10, 10, width=32, allow_subnormal=False))


def test_a_peak_on_the_object_hits() -> None:
    values = np.zeros((4, 4))
    values[2, 0] = 1
    assert pointing_hit(values, LEFT)
    assert not pointing_hit(values, ~LEFT)


def test_a_miss_within_the_tolerance_hits() -> None:
    values = np.zeros((4, 4))
    values[1, 2] = 1  # its middle is four pixels right of the edge
    assert not pointing_hit(values, LEFT)
    assert pointing_hit(values, LEFT, tolerance=6)


def test_a_map_without_positive_evidence_points_nowhere() -> None:
    assert not pointing_hit(-np.ones((4, 4)), LEFT)
    assert energy_in_mask(-np.ones((4, 4)), LEFT) == 0


@given(GRIDS)
def test_energy_on_an_object_and_off_it_sums_to_one(values: np.ndarray) -> None:
    inside, outside = energy_in_mask(values, LEFT), energy_in_mask(values, ~LEFT)
    assert 0 <= inside <= 1
    assert inside + outside == pytest.approx(1 if spread(values, 32, 32).max() > 0 else 0)


@given(GRIDS, st.floats(0.125, 8))
def test_scale_does_not_matter(values: np.ndarray, factor: float) -> None:
    assert energy_in_mask(values * factor, LEFT) == pytest.approx(
        energy_in_mask(values, LEFT), abs=1e-4
    )


def test_enlarging_keeps_a_constant_map_constant() -> None:
    assert (spread(np.full((3, 5), 2.5), 30, 50) == 2.5).all()


@pytest.mark.parametrize("mask", [np.zeros((8, 8), bool), np.ones((8, 8)), np.ones(8, bool)])
def test_masks_are_checked(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="mask"):
        energy_in_mask(np.ones((2, 2)), mask)


@pytest.mark.parametrize("values", [np.ones(4), np.full((2, 2), np.nan), np.ones((0, 3))])
def test_maps_are_checked(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="map"):
        pointing_hit(values, LEFT)
