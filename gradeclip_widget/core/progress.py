"""The callback that long work calls to report progress; an error that it raises stops the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

Progress = Callable[[str, int, int | None], None]
"""Takes the name of a stage, the number of finished steps, and their total (``None`` if unknown).

It is called before every step. An exception that it raises ends the work and reaches the caller.
"""

ProgressOption = Progress | bool | None
"""A callback, ``True`` for a progress bar, or ``False`` or ``None`` for neither."""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Do nothing: the default progress callback."""


def progress_of(option: ProgressOption) -> Progress:
    """Return the callback for an option.

    Args:
        option: a callback, ``True`` for a progress bar in the terminal or notebook, else nothing.
    """
    if callable(option):
        return option
    return _Bar() if option else no_progress


class _Bar:
    """A progress bar for every stage of more than one step; it is removed when the next stage begins."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: tqdm[Any] | None = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show the number of finished steps."""
        from tqdm.auto import tqdm

        if stage != self._stage:
            self._close()
            self._stage = stage
            if total is not None and total > 1:
                self._bar = tqdm(total=total, desc=stage, leave=False)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def __del__(self) -> None:
        """Remove the last bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
