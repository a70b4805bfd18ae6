"""The promises of SECURITY.md, each watched by an audit hook of Python or by what a page contains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .factories import make_explanation
from .stress.areas.texts import Page

ROOT = Path(__file__).parents[1]
HOSTILE = 'a </script><script>alert(1)</script> <img src=http://a.b/c onerror=alert(2)> " onload="alert(3)'


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the audit hook noted in each part of the work, and the files outside the given folders."""
    folder, home = tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("home")
    run = subprocess.run(
        [sys.executable, "-m", "tests.watched_work", str(folder)],
        cwd=home,
        env=os.environ
        | {name: str(home) for name in ("HOME", "TMPDIR")}
        | {name: str(folder / "cache") for name in ("XDG_CACHE_HOME", "HF_HOME")}
        | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1]) | {
        "outside": sorted(map(str, home.rglob("*"))),
        "cached": sorted(path.name for path in (folder / "cache").glob("*")),
    }


def test_usual_work_connects_to_nothing_starts_nothing_and_writes_only_where_asked(
    watched: dict[str, Any],
) -> None:
    assert watched["usual_work"] == []


def test_nothing_in_pictures_weights_or_explanations_is_executed(watched: dict[str, Any]) -> None:
    assert watched["hostile_files"] == []
    assert watched["executed"] is False


def test_compiled_libraries_write_nothing_outside_the_given_folders(
    watched: dict[str, Any],
) -> None:
    """An audit hook does not see the files that they open."""
    assert watched["outside"] == []
    assert watched["cached"] == ["gradeclip-widget"]


def test_a_picture_is_fetched_from_the_address_that_was_given_and_no_other(
    watched: dict[str, Any],
) -> None:
    """This shows also that the hook notices connections."""
    assert any("socket.connect" in text for text in watched["addresses"])
    assert all("127.0.0.1" in text for text in watched["addresses"])


@pytest.mark.parametrize("fragment", [False, True], ids=["page", "fragment"])
def test_a_caption_is_only_text_in_a_page_and_the_page_loads_nothing(fragment: bool) -> None:
    plain = Page(make_explanation("a dog, running").to_html(fragment=fragment)).active
    hostile = make_explanation(HOSTILE).to_html(fragment=fragment, title=HOSTILE)
    assert Page(hostile).active == plain
    assert not [name for name in plain if "=" in name]  # an address outside the page
