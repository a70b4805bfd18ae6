"""Statistics of words over runs: tables and figures."""

from .figures import word_figure
from .words import word_statistics

__all__ = ["word_figure", "word_statistics"]
