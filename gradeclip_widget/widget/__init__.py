"""The live widget. Importing this imports no torch."""

from .explore import explore, show
from .widget import ExplanationWidget

__all__ = ["ExplanationWidget", "explore", "show"]
