"""A small architecture under a name of its own, and no network."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from open_clip import factory

from gradeclip_widget.clip.loading import hub

from .tiny import CONFIG, TINY, random_model


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "hub_answers", lambda: False)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let open_clip know the small architecture, and its sibling with QuickGELU."""
    sibling = {**copy.deepcopy(CONFIG), "quick_gelu": True}
    configs = {TINY: CONFIG, f"{TINY}-quickgelu": sibling}
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", {**factory._MODEL_CONFIGS, **configs})
    return TINY


@pytest.fixture
def tiny_model(tiny: str) -> Any:
    return random_model(0)
