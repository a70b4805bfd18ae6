"""The families of image towers."""

from __future__ import annotations

from .attention_pooling import AttentionPoolingTower
from .base import ImageTower
from .class_token import ClassTokenTower
from .feature_map import FeatureMapTower
from .timm_class_token import TimmClassTokenTower

# In the order in which they are tried.
FAMILIES: list[type[ImageTower]] = [
    ClassTokenTower,
    TimmClassTokenTower,
    AttentionPoolingTower,
    FeatureMapTower,  # last, since it takes any timm trunk with a feature map
]
