"""The embedded model and a scene whose truth is known, made once."""

from __future__ import annotations

import pytest
from hypothesis import settings

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene, sample_scene

settings.register_profile("any machine", deadline=None)  # a busy one is slow, not wrong
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def clip() -> gw.ClipModel:
    """The embedded model."""
    return gw.load("demo", device="cpu")


@pytest.fixture(scope="session")
def explainer(clip: gw.ClipModel) -> gw.Explainer:
    """Grad-ECLIP with the embedded model."""
    return gw.Explainer(clip)


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A picture of a dog and a red circle."""
    return sample_scene(500_007, objects=["dog", "red circle"])
