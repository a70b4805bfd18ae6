"""The areas that are tried, one file each."""

from __future__ import annotations

from pathlib import Path

from ..outcome import Area
from ..shared import Shared
from .cli import CommandLine
from .evaluation import Evaluations
from .explanations import Explanations
from .memory import Memory
from .pictures import Pictures
from .runs import Runs
from .sources import Sources
from .texts import Texts
from .threads import Threads


def make_areas(folder: Path) -> list[Area]:
    """Return all areas.

    Args:
        folder: for files that all attempts read.
    """
    shared = Shared.make(folder / "shared")
    kinds = (
        Pictures, Explanations, Evaluations, Sources, Runs, Texts, Threads, Memory, CommandLine,
    )  # fmt: skip
    return [kind(shared) for kind in kinds]
