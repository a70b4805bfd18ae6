"""Tokenizers of several libraries, which know the characters of the caption that each token came from."""
