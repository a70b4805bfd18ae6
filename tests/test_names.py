"""Old names of public things: they do the same, and warn at the line that uses them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

from .factories import picture
from .fakes import FakeBackend, live_widget

OLD: dict[str, tuple[Callable[[Any, Scene], Any], Callable[[Any, Scene], Any], str]] = {
    "Explainer.depth": (
        lambda clip, scene: gw.Explainer(clip).depth(scene.image, "a dog").image_maps,
        lambda clip, scene: gw.Explainer(clip).block_maps(scene.image, "a dog").image_maps,
        r"depth\(\) is now called block_maps\(\); the old name goes with the next version",
    ),
    "ExplanationWidget.add_picture": (
        lambda clip, scene: added(clip, "add_picture"),
        lambda clip, scene: added(clip, "add_image"),
        r"add_picture\(\) is now called add_image\(\)",
    ),
}


def added(clip: gw.ClipModel, method: str) -> list[str]:
    widget = live_widget(FakeBackend(clip))
    getattr(widget, method)(picture(), name="mine")
    widget.wait(30)
    return [entry["name"] for entry in widget._pictures]


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_does_the_same_and_warns(name: str, clip: gw.ClipModel, scene: Scene) -> None:
    old, new, said = OLD[name]
    with pytest.warns(DeprecationWarning, match=said):
        before = old(clip, scene)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        np.testing.assert_array_equal(before, new(clip, scene))


def test_the_warning_is_at_the_line_that_uses_the_name(clip: gw.ClipModel, scene: Scene) -> None:
    with pytest.warns(DeprecationWarning, match="block_maps") as caught:
        gw.Explainer(clip).depth(scene.image, "a dog")
    assert [Path(w.filename).name for w in caught] == [Path(__file__).name]
