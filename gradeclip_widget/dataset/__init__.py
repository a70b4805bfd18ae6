"""Explanations of whole datasets: from pairs of pictures and captions to tables in Parquet."""

from .run import DatasetRun, explain_dataset

__all__ = ["DatasetRun", "explain_dataset"]
