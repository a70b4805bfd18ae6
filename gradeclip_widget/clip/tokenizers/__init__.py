"""Tokenizers of several libraries: tokens, and the characters of the caption that each came from."""
