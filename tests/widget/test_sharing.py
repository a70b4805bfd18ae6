"""Widgets of one picture, as `ipywidgets.interact` makes them, share it and what is computed of it."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from PIL import ImageDraw

import gradeclip_widget as gw
from gradeclip_widget.images import LoadedImage
from gradeclip_widget.widget.backend.backend import Backend
from gradeclip_widget.widget.backend.model_cache import NamedModel

from ..factories import picture
from ..fakes import explored

PATIENCE = 60  # seconds until a test fails


@pytest.fixture
def widgets(clip: gw.ClipModel) -> Iterator[list[gw.ExplanationWidget]]:
    """Two widgets of an equal picture."""
    widgets = [explored(picture(), caption, clip) for caption in ("a dog", "a red car")]
    yield widgets
    for widget in widgets:
        widget.close()


def backend_of(widget: gw.ExplanationWidget) -> Backend:
    assert widget._computation is not None
    return widget._computation.backend


def test_fifty_widgets_of_an_equal_picture_keep_one_copy(
    tmp_path: Path, clip: gw.ClipModel
) -> None:
    image = picture((53, 41))  # no other test has it
    image.save(tmp_path / "one.png")
    with io.BytesIO() as file:
        image.save(file, "PNG")
        data = file.getvalue()
    given = [image, np.asarray(image), tmp_path / "one.png", data, image.copy()]
    backends = [Backend(given[n % 5], [clip]) for n in range(50)]
    assert len({id(backend.pictures[0].source) for backend in backends}) == 1
    other = Backend(image.rotate(180), [clip])
    assert other.pictures[0].source is not backends[0].pictures[0].source
    kept = backends[0].pictures[0].source
    assert isinstance(kept, LoadedImage)
    gone = weakref.ref(kept)
    del kept, backends
    gc.collect()
    assert gone() is None


def test_the_picture_passes_the_image_tower_once(
    widgets: list[gw.ExplanationWidget], clip: gw.ClipModel
) -> None:
    first, second = map(backend_of, widgets)
    (one,), (other,) = first._encoded.values(), second._encoded.values()
    assert one is other
    alone = gw.Explainer(clip)(picture(), "a red car")
    np.testing.assert_allclose(widgets[1].explanation.signed_map, alone.signed_map, atol=1e-6)


def test_drawing_on_the_picture_of_a_widget_changes_no_other(
    widgets: list[gw.ExplanationWidget],
) -> None:
    mine, theirs = (widget.explanation.image for widget in widgets)
    assert mine.im is theirs.im
    ImageDraw.Draw(mine).rectangle((0, 0, 20, 20), "red")
    assert mine.getpixel((5, 5)) == (255, 0, 0)
    for widget in widgets:
        widget.prompt = "a tree"
        widget.wait(PATIENCE)
        np.testing.assert_array_equal(widget.explanation.image, picture())
    np.testing.assert_array_equal(theirs, picture())


def test_a_tensor_is_not_shared(clip: gw.ClipModel) -> None:
    """Its values can change."""
    tensor = clip.image_processor.prepare(picture()).pixels
    first, second = (Backend(tensor, [clip]).pictures[0] for _ in range(2))
    assert first.identity is not second.identity


def test_a_model_with_options_is_loaded_once() -> None:
    named = {"device": "cpu", "dtype": "bfloat16"}
    first, second = (Backend(picture(), [NamedModel("demo", named)]) for _ in range(2))
    other = Backend(picture(), [NamedModel("demo", {"device": "cpu"})])
    assert first.models.get("demo") is second.models.get("demo")
    assert other.models.get("demo") is not first.models.get("demo")
    assert other.models.get("demo").dtype is None


def test_interact_with_one_widget(clip: gw.ClipModel) -> None:
    """As docs/howto/control-by-program.md describes."""
    widget = gw.explore(picture(), "a dog", clip)

    def explain(prompt: str, opacity: float) -> None:
        widget.prompt, widget.opacity = prompt, opacity

    control: Any = ipywidgets.interactive(explain, prompt=["a dog", "a tree"], opacity=(0.0, 1.0))
    control.update()
    control.children[0].value = "a tree"
    widget.wait(PATIENCE)
    assert widget.explanation.caption == "a tree"
    control.children[1].value = 0.2
    assert widget.opacity == 0.2
    widget.close()
    control.close()
