"""The folder of a run: written part by part, and read again. Reading needs neither torch nor a widget."""

from .dataset_run import DatasetRun, open_run

__all__ = ["DatasetRun", "open_run"]
