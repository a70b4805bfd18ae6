"""How long work says how far it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Takes a stage's name, the steps done, and how many there are (``None`` where unknown).

Called before every step. An exception that it raises ends the work and passes through.
"""


def unheard(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody follows."""
