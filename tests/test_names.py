"""Old names of public things: they do the same, and warn at the line that uses them."""

from __future__ import annotations

import inspect
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
    "prompts": (
        lambda clip, scene: gw.explore(scene.image, prompts=["a dog", "a cat"], model=clip).prompts,
        lambda clip, scene: (
            gw.explore(scene.image, captions=["a dog", "a cat"], model=clip).prompts
        ),
        r"prompts= of explore\(\) is now called captions=; the old name goes with the next version",
    ),
    "controls": (
        lambda clip, scene: (
            gw.explore(scene.image, "a dog", clip, controls=["heat", "sign"]).controls
        ),
        lambda clip, scene: (
            gw.explore(scene.image, "a dog", clip, controls=["opacity", "sign"]).controls
        ),
        "control 'heat' is now called 'opacity'; the old name goes with the next version",
    ),
}
# Every name that a control had before.
FORMER_CONTROLS = {
    "pictures": "picture",
    "evidence": "sign",
    "heat": "opacity",
    "colours": "color_scale",
    "layers": "depth",
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


USES: dict[str, Callable[[gw.ClipModel, Scene], Any]] = {
    "method": lambda clip, scene: gw.Explainer(clip).depth(scene.image, "a dog"),
    "argument": OLD["prompts"][0],
    "first value of a trait": OLD["controls"][0],
    "trait": lambda clip, scene: setattr(live_widget(FakeBackend(clip)), "controls", ["heat"]),
}


@pytest.mark.parametrize("use", USES)
def test_the_warning_is_at_the_line_that_uses_the_name(
    use: str, clip: gw.ClipModel, scene: Scene
) -> None:
    with pytest.warns(DeprecationWarning, match="is now called") as caught:
        USES[use](clip, scene)
    assert [Path(w.filename).name for w in caught] == [Path(__file__).name]


@pytest.mark.parametrize("former", FORMER_CONTROLS)
def test_a_control_is_known_by_its_former_name(former: str, clip: gw.ClipModel) -> None:
    widget = live_widget(FakeBackend(clip))
    with pytest.warns(DeprecationWarning, match=f"control '{former}' is now called"):
        widget.controls = [former]
    assert widget.controls == [FORMER_CONTROLS[former]]


def public_functions() -> dict[str, Any]:
    """Return the functions and methods of the package that users call, by their names."""
    found = {name: getattr(gw, name) for name in gw.__all__}
    found |= {f"demo.{name}": getattr(gw.demo, name) for name in gw.demo.__all__}
    for name, thing in list(found.items()):
        if inspect.isclass(thing):
            methods = {key: value for key, value in vars(thing).items() if callable(value)}
            found |= {f"{name}.{k}": f for k, f in methods.items() if not k.startswith("_")}
    return {name: f for name, f in found.items() if inspect.isroutine(f)}


def test_pictures_are_images_and_texts_captions_wherever_they_are_given() -> None:
    others = {"prompt", "prompts", "text", "texts", "sentence", "img", "images", "pil_image"}
    named = {
        name: taken
        for name, function in public_functions().items()
        if (taken := others & set(inspect.signature(function).parameters))
    }
    assert named == {"explore": {"prompt"}}
    assert {"Explainer.scores", "ExplanationWidget.add_image"} <= set(public_functions())
