"""The families of text towers."""

from __future__ import annotations

from .base import TextTower
from .bidirectional import BidirectionalTextTower
from .causal import CausalTextTower
from .huggingface_first_token import HuggingFaceFirstTokenTower
from .huggingface_mean import HuggingFaceMeanTower

# In the order in which they are tried.
FAMILIES: list[type[TextTower]] = [
    CausalTextTower,  # before the bidirectional family, which takes such models too, at a higher cost
    BidirectionalTextTower,
    HuggingFaceFirstTokenTower,
    HuggingFaceMeanTower,
]
