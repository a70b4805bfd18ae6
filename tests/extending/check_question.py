"""Checks of the example question, run in a copy of the project that has it."""

from __future__ import annotations

import gradeclip_widget as gw


def test_the_region_alone_scores_high_for_what_it_shows(clip: gw.ClipModel) -> None:
    scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
    widget = gw.explore(scene.image, ["a dog", "a red circle"], model=clip)
    dog = next(thing for thing in scene.objects if thing.name == "dog")
    widget.region = {"kind": "box", "box": list(dog.box)}
    widget.crop = True
    widget.wait()
    of_dog, of_circle = widget.crop_scores
    assert of_dog > of_circle
    widget.crop = False
    widget.wait()
    assert widget.crop_scores == []
