"""The old place of `gradeclip_widget.evaluation.pointing`."""

from __future__ import annotations

from typing import Any

from .core.errors import warn_of_old_name


def __getattr__(name: str) -> Any:
    """Return a function from where it is now, with a warning (PEP 562)."""
    if name not in ("energy_in_mask", "pointing_hit", "spread"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .evaluation import pointing

    warn_of_old_name("gradeclip_widget.metrics", "gradeclip_widget.evaluation.pointing")
    return getattr(pointing, name)
