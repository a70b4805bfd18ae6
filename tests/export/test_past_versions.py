"""Files of every version so far open, of the archive and of the payload; those of later ones say why not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export import npz, payload

from ..factories import make_explanation
from ..golden import make
from .test_npz import assert_same

FOLDER = make.PATH.parent
DECODER = Path(__file__).parents[2] / "js" / "src" / "core" / "decode.ts"
WITHOUT = {1: {"integrated_gradients": None}}  # fields that a version did not have yet


@pytest.mark.parametrize("version", range(1, npz.VERSION + 1))
def test_an_archive_of_every_version_opens_with_all_that_it_held(version: int) -> None:
    path = FOLDER / f"version{version}.npz"
    with np.load(path) as file:
        assert json.loads(file["header"].tobytes())["version"] == version
    assert_same(Explanation.load(path), make_explanation(**WITHOUT.get(version, {})))


@pytest.mark.parametrize("version", range(1, payload.VERSION + 1))
def test_a_payload_of_every_version_is_kept_for_the_front_end(version: int) -> None:
    """`js/tests/past-versions.test.ts` opens them."""
    held = json.loads((FOLDER / f"version{version}.json").read_text(encoding="utf-8"))
    assert held["payload"]["header"]["version"] == version
    now = payload.to_json(payload.to_payload(make.explanation()))
    assert held["payload"]["maps"] == now["maps"]


def test_no_fixture_is_of_a_version_that_there_is_not() -> None:
    kept = {path.name for path in FOLDER.glob("version*")}
    assert kept == {f"version{n}.npz" for n in range(1, npz.VERSION + 1)} | {
        f"version{n}.json" for n in range(1, payload.VERSION + 1)
    }


def test_both_languages_are_at_the_same_version_of_the_payload() -> None:
    found = re.search(r"^const PAYLOAD_VERSION = (\d+);", DECODER.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found[1]) == payload.VERSION
