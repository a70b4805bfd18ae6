"""A widget on a backend that computes nothing."""

from __future__ import annotations

import pytest

import gradeclip_widget as gw

from ..fakes import FakeBackend, live_widget


@pytest.fixture
def backend(clip: gw.ClipModel) -> FakeBackend:
    return FakeBackend(clip)


@pytest.fixture
def live(backend: FakeBackend) -> gw.ExplanationWidget:
    """A widget of two captions by Grad-ECLIP."""
    return live_widget(backend)
