"""The backend of a live widget: its pictures and models, and what is computed with them."""

from .backend import Backend

__all__ = ["Backend"]
