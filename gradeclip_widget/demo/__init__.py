"""The embedded model and its drawn scenes. Importing this imports no torch."""

from __future__ import annotations

from .scenes import Scene, SceneObject, sample_scene, scenes

__all__ = ["Scene", "SceneObject", "sample_scene", "scenes"]
