"""WebDataset shards: tar files of pictures and their captions."""

from .webdataset import SUFFIX, WebDataset

__all__ = ["SUFFIX", "WebDataset"]
