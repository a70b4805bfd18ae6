"""A seeded part of the stress command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STEPS = 400


def test_four_hundred_random_attempts_have_no_fault() -> None:
    # In a process of its own: the attempts run in copies of it, which must not have pytest's threads.
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.stress",
            "--seed",
            "23",
            "--steps",
            str(STEPS),
            "--processes",
            "1",
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{STEPS} attempts" in run.stdout, run.stderr
    assert run.returncode == 0, run.stdout
