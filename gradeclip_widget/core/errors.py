"""Errors as sentences for a reader."""

from __future__ import annotations


def describe_error(error: BaseException) -> str:
    """Return an error's message; its type comes first where the message was not written for readers."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, ValueError | TypeError | OSError):
        return text
    return f"{type(error).__name__}: {text}"
