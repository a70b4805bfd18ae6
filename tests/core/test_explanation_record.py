"""The fields of an explanation, and what follows from them directly."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradeclip_widget.explain.explanation import Explanation

from ..factories import GRID, make_explanation

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def e() -> Explanation:
    return make_explanation()


def test_its_fields_cannot_be_set(e: Explanation) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.caption = "another"  # type: ignore[misc]


def test_its_arrays_cannot_be_written(e: Explanation) -> None:
    for array in (e.signed_map, e.interactions, e.token_importance, e.word_map("dog", "alone")):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_keeps_its_own_copy_of_an_array() -> None:
    mine = np.ones(GRID, np.float32)
    e = make_explanation(signed_map=mine)
    mine[:] = 5
    assert (e.signed_map == 1).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signed_map": np.zeros(15)}, r"signed_map must be \(rows, cols\)"),
        ({"interactions": np.zeros((2, *GRID))}, r"interactions must have shape \(6, 3, 5\)"),
        ({"alone": np.zeros((4, 5, 3))}, r"alone must have shape \(4, 3, 5\), not \(4, 5, 3\)"),
        ({"token_importance": np.zeros(3)}, r"token_importance must have shape \(6,\)"),
        ({"integrated_gradients": np.zeros(4)}, r"integrated_gradients must have shape \(6,\)"),
        ({"tokens": ("a",)}, "interactions must have shape"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_explanation(**changes)


def test_an_explanation_needs_neither_torch_nor_plotly() -> None:
    code = (
        "import sys\n"
        "from tests.factories import make_explanation\n"
        "e = make_explanation()\n"
        "e.region_words((10, 10, 30, 30)), e.phrase_map('red-ish dog'), e._repr_html_()\n"
        "e.evidence_map, e.highlights(), e.importance('grad-eclip')\n"
        "print(*sorted({'torch', 'open_clip', 'plotly', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_readings_that_were_not_computed_are_not_offered() -> None:
    e = make_explanation(alone=None, left_out=None)
    assert e.readings == ("in caption",)
    with pytest.raises(ValueError, match="there are 'in caption'"):
        e.word_maps("alone")


def test_a_probability_is_there_for_models_with_a_bias() -> None:
    assert make_explanation().probability is None
    assert make_explanation().logit == pytest.approx(31.25)
    e = make_explanation(logit_scale=10.0, logit_bias=-3.0)
    assert e.logit == pytest.approx(0.125)
    assert e.probability == pytest.approx(1 / (1 + math.exp(-0.125)))


@pytest.mark.parametrize(("bias", "probability"), [(-1e4, 0), (1e4, 1)])
def test_a_probability_of_a_large_logit_does_not_overflow(bias: float, probability: float) -> None:
    assert make_explanation(logit_bias=bias).probability == probability


def test_missing_evidence_is_reported() -> None:
    assert not make_explanation().no_image_evidence
    assert make_explanation(signed_map=-np.ones(GRID)).no_image_evidence
    assert make_explanation(token_importance=np.zeros(6)).no_text_evidence
