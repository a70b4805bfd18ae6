"""Transformer blocks of several libraries, taken apart into attention and row-wise halves."""
