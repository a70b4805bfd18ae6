"""The numbers that the front end is held to are what this package computes."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from gradeclip_widget.payload import to_payload

from .golden import make

GOLDEN = json.loads(make.PATH.read_text(encoding="utf-8"))
EXPLANATION = make.explanation()


def flat(value: Any) -> list[float]:
    return np.ravel(value).tolist()


def test_golden_payload_is_what_python_sends() -> None:
    payload = to_payload(EXPLANATION)
    assert GOLDEN["payload"]["header"] == json.loads(json.dumps(payload["header"]))
    assert base64.b64decode(GOLDEN["payload"]["maps"]) == payload["maps"]


def test_golden_cases_ask_all_that_is_asked() -> None:
    assert [(c["fn"], c["args"]) for c in GOLDEN["cases"]] == [
        (c["fn"], c["args"]) for c in make.cases()
    ]


@pytest.mark.parametrize("fn", ["wordMap", "phraseMap", "coverage", "regionWords", "regionShare"])
def test_golden_values_are_what_python_computes(fn: str) -> None:
    asked = [case for case in GOLDEN["cases"] if case["fn"] == fn]
    assert asked
    for case in asked:
        computed = make.compute(EXPLANATION, fn, case["args"])
        assert flat(computed) == pytest.approx(flat(case["value"]), abs=1e-9), case["args"]
