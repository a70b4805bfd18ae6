"""Explanations of whole datasets: from pairs of pictures and captions to tables in Parquet."""

from .run import DatasetRun, explain_dataset
from .statistics import word_figure, word_statistics

__all__ = ["DatasetRun", "explain_dataset", "word_figure", "word_statistics"]
