"""Transformer blocks of several libraries, split into their attention and their row-wise part."""
