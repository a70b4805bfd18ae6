"""The live widget: what is asked of it, and the worker that answers. Importing this imports no torch."""

from .explore import explore, show
from .widget import ExplanationWidget

__all__ = ["ExplanationWidget", "explore", "show"]
