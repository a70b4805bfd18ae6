"""Two widgets of two models at once: every answer is the one that the model gives alone."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
from open_clip import SimpleTokenizer, image_transform

import gradeclip_widget as gw

from ..clip.conftest import small_clip
from ..factories import picture

PATIENCE = 60  # seconds until a test fails
EDITS = 20
# The methods that differentiate forward, by batches or by torch's one level for all threads.
METHODS = ("grad-eclip", "exclip")
OPTIONS = {"exclip": {"steps": 2}}
CAPTIONS = [f"a photo of a {thing}" for thing in ("dog", "red car", "tree and a sun")]


@pytest.fixture(scope="module")
def small() -> gw.ClipModel:
    """A model with random weights and another architecture."""
    transform = image_transform(96, is_train=False)
    return gw.ClipModel(small_clip(), transform, SimpleTokenizer(), name="small")


def numbers(e: gw.Explanation) -> Any:
    return np.concatenate([e.signed_map.ravel(), e.interactions.ravel(), [e.score]])


def alone(clip: gw.ClipModel, method: str) -> list[Any]:
    explainer = gw.Explainer(clip, method, method_options=OPTIONS.get(method))
    return [numbers(explainer(picture(), caption)) for caption in CAPTIONS]


def edit(
    widget: gw.ExplanationWidget, edits: int, start: threading.Barrier, out: list[Any]
) -> None:
    """Set captions in turn, wait for the answers, and append them; drop what is cached."""
    start.wait(PATIENCE)
    for n in range(edits):
        assert widget._computation is not None
        widget._computation.backend._explanations.clear()
        widget.prompt = CAPTIONS[(n + 1) % len(CAPTIONS)]
        widget.wait(PATIENCE)
        out.append(widget.error or numbers(widget.explanation))


def test_answers_at_once_equal_the_answers_alone(clip: gw.ClipModel, small: gw.ClipModel) -> None:
    models = list(zip((clip, small), METHODS, strict=True))
    expected = [alone(model, method) for model, method in models]
    filters = list(warnings.filters)
    widgets = [
        gw.explore(picture(), CAPTIONS[0], model, method=method, method_options=OPTIONS.get(method))
        for model, method in models
    ]
    start, answers = threading.Barrier(2), ([], [])
    threads = [
        threading.Thread(target=edit, args=(widget, EDITS, start, out))
        for widget, out in zip(widgets, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out, right in zip(answers, expected, strict=True):
        assert len(out) == EDITS
        for n, values in enumerate(out):
            np.testing.assert_array_equal(values, right[(n + 1) % len(CAPTIONS)])
    assert warnings.filters == filters
    for widget in widgets:
        widget.close()


@pytest.mark.parametrize("method", METHODS)
def test_an_explanation_does_not_silence_warnings_of_other_threads(
    method: str, clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that silences warnings does so for all threads, and is not safe in two at once."""
    explainer = gw.Explainer(clip, method, method_options=OPTIONS.get(method))
    encoded = explainer.encode(picture())
    explainer(encoded, "a dog")
    monkeypatch.setattr(warnings, "catch_warnings", lambda: pytest.fail("warnings are silenced"))
    explainer(encoded, "a red car")
