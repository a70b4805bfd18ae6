"""Progress: a callback, a bar, or nothing."""

from __future__ import annotations

import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.progress import no_progress, progress_of
from gradeclip_widget.demo import Scene


def test_an_option_is_a_callback_or_nothing() -> None:
    def callback(stage: str, done: int, total: int | None) -> None:
        pass

    assert progress_of(callback) is callback
    assert progress_of(None) is no_progress
    assert progress_of(False) is no_progress


def test_a_bar_is_shown_for_every_stage_of_several_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = progress_of(True)
    report("image tower", 0, None)
    report("maps", 0, 1)
    assert capsys.readouterr().err == ""
    for done in range(3):
        report("masks", done, 3)
    report("steps", 0, 10)
    bars = capsys.readouterr().err
    assert "masks:   0%" in bars
    assert "steps:   0%" in bars
    del report
    assert capsys.readouterr().err.endswith("\r"), "the last bar is removed"


def test_an_explainer_shows_the_bar_of_a_slow_method(
    clip: gw.ClipModel, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    explainer = gw.Explainer(clip, "rise", method_options={"masks": 20, "batch": 5})
    explainer(scene.image, "a dog", progress=True)
    assert "masks:" in capsys.readouterr().err
    explainer(scene.image, "a dog")
    assert capsys.readouterr().err == ""
