"""Measures of how well a map explains: pure NumPy, on maps and masks from anywhere."""

from __future__ import annotations

from .localisation import energy_in_mask, pointing_hit, spread

__all__ = ["energy_in_mask", "pointing_hit", "spread"]
