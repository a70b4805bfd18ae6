"""Every image tower family: whatever module lies in this folder is imported, and registers its family."""

from __future__ import annotations

import importlib
import pkgutil

from .base import FAMILIES, ImageTower

_folder = importlib.import_module(__package__).__path__
for _module in pkgutil.iter_modules(_folder, f"{__package__}."):
    importlib.import_module(_module.name)


def image_families() -> list[type[ImageTower]]:
    """Return the families in the order in which they are tried."""
    return sorted(FAMILIES, key=lambda family: (-family.priority, family.__module__))
