"""The command line."""

from .commands import add_model_arguments, main
from .table import word_table

__all__ = ["add_model_arguments", "main", "word_table"]
