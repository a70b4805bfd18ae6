"""Measures by name."""

from __future__ import annotations

import pytest

from gradeclip_widget import evaluation
from gradeclip_widget.evaluation import ALL, measure_named


def test_every_measure_has_a_unique_name_and_default_options() -> None:
    assert len({measure.name for measure in ALL}) == len(ALL)
    for measure in ALL:
        assert measure_named(measure.name.replace(" ", "-")) is measure
        assert measure().label == measure.name
        assert getattr(evaluation, measure.__name__) is measure


def test_the_error_of_an_unknown_name_has_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'deletoin': .*did you mean 'deletion'"):
        measure_named("deletoin")
