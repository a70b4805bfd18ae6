"""Sources of pairs: folders, tables, WebDataset shards, Hugging Face datasets, and lists."""

from .base import Source
from .find import open_source, reopen

__all__ = ["Source", "open_source", "reopen"]
