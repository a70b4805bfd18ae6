"""Explanations of whole datasets: from pairs of pictures and captions to tables in Parquet."""

from .explain import explain_dataset
from .runs import DatasetRun, open_run
from .statistics import word_figure, word_statistics

__all__ = ["DatasetRun", "explain_dataset", "open_run", "word_figure", "word_statistics"]
