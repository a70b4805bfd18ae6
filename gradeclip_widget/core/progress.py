"""The callback through which long work reports progress, and through which it is stopped."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Takes a stage's name, the number of steps done, and how many there are (``None`` where unknown).

It is called before every step. An exception that it raises ends the work and passes through.
"""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Do nothing: the default progress callback."""
