"""Checks that the traced towers compute the same as the user's model, and notices changes of that model."""
