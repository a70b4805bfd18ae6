"""The command line."""

from .arguments import add_model_arguments
from .commands import main
from .table import word_table

__all__ = ["add_model_arguments", "main", "word_table"]
