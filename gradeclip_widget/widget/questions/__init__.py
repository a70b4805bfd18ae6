"""What a widget can be asked about what it shows: every module here is imported and registers its own."""

import importlib
import pkgutil

from .base import QUESTIONS, Question, RegionQuestion

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["QUESTIONS", "Question", "RegionQuestion"]
