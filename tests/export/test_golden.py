"""The golden payloads that the tests of the front end read are what this package computes now."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradeclip_widget.core.explanation_data import READINGS
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export.payload import VERSION, to_payload

from ..golden import make

GOLDEN = json.loads(make.PATH.read_text(encoding="utf-8"))
EXPLANATION = make.explanation()


def flat(value: Any) -> list[float]:
    return np.ravel(value).tolist()


def test_the_golden_payload_equals_pythons() -> None:
    payload = to_payload(EXPLANATION)
    assert GOLDEN["payload"]["header"] == json.loads(json.dumps(payload["header"]))
    assert base64.b64decode(GOLDEN["payload"]["maps"]) == payload["maps"]


@pytest.mark.parametrize(
    ("held", "e"), [(GOLDEN, EXPLANATION), (GOLDEN["many"], make.explanation_of_many())]
)
def test_the_golden_evidence_equals_pythons(held: dict[str, Any], e: Explanation) -> None:
    computed = json.loads(json.dumps(make.evidence_of(e)))
    assert held["highlights"] == computed["highlights"]
    assert held["lowering"] == computed["lowering"]
    assert held["evidence_map"] == pytest.approx(computed["evidence_map"], abs=1e-9)
    assert set(held["word_evidence"]) == set(computed["word_evidence"]) == set(READINGS)
    for reading, values in held["word_evidence"].items():
        assert values == pytest.approx(computed["word_evidence"][reading], abs=1e-9)


def test_the_golden_captions_have_all_kinds_of_highlights() -> None:
    highlights = GOLDEN["many"]["highlights"]
    assert [h["hue"] for h in highlights] == [0, 1, None, 2, 3, None, 4, 5]
    assert [len(h["words"]) for h in highlights] == [2, 1, 1, 1, 3, 1, 1, 1]


def test_the_golden_colors_equal_pythons() -> None:
    assert GOLDEN["diverging_colors"] == make.diverging_colors()


def test_the_golden_payload_of_many_words_equals_pythons() -> None:
    payload = to_payload(make.explanation_of_many())
    assert GOLDEN["many"]["payload"]["header"] == json.loads(json.dumps(payload["header"]))
    assert base64.b64decode(GOLDEN["many"]["payload"]["maps"]) == payload["maps"]


def test_both_languages_have_the_same_payload_version() -> None:
    decoder = Path(__file__).parents[2] / "js" / "src" / "core" / "decode.ts"
    match = re.search(r"^const PAYLOAD_VERSION = (\d+);", decoder.read_text("utf-8"), re.MULTILINE)
    assert match is not None
    assert int(match[1]) == VERSION


def test_the_golden_cases_cover_every_function() -> None:
    assert [(c["fn"], c["args"]) for c in GOLDEN["cases"]] == [
        (c["fn"], c["args"]) for c in make.cases()
    ]


@pytest.mark.parametrize(
    "fn", ["rawMap", "wordsMap", "captionMap", "coverage", "regionWords", "regionShare"]
)
def test_the_golden_values_equal_pythons(fn: str) -> None:
    asked = [case for case in GOLDEN["cases"] if case["fn"] == fn]
    assert asked
    for case in asked:
        computed = make.compute(EXPLANATION, fn, case["args"])
        assert flat(computed) == pytest.approx(flat(case["value"]), abs=1e-9), case["args"]
