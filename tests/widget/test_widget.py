"""The live widget in Python."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
import traitlets
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.export.payload import to_payload
from gradeclip_widget.widget.traits import names_of

from ..factories import make_explanation
from ..fakes import FakeBackend, live_widget

ROOT = Path(__file__).parents[2]
Widget = gw.ExplanationWidget


@pytest.fixture
def shown() -> Widget:
    """A widget without a model."""
    return gw.show(make_explanation())


@pytest.fixture
def live(clip: gw.ClipModel) -> Widget:
    """A widget with a model, of two captions."""
    return live_widget(FakeBackend(clip))


# Showing


def test_show_sends_what_the_browser_needs(shown: Widget) -> None:
    e = shown.explanation
    assert shown._payloads == [dict(to_payload(e))]
    assert (shown.prompt, shown.prompts, shown.status) == (e.caption, (e.caption,), "ready")


def test_show_takes_several_explanations_and_first_values_of_traits() -> None:
    two = [make_explanation("a dog"), make_explanation("a cat")]
    widget = gw.show(two, active=1, theme="dark", reading="alone", selected_words=[1])
    assert widget.explanation is two[1]
    assert widget.explanations == tuple(two)
    assert (widget.theme, widget.reading, widget.selected_words) == ("dark", "alone", [1])


def test_show_imports_no_torch(tmp_path: Path) -> None:
    make_explanation().save(tmp_path / "e.npz")
    code = (
        "import sys, gradeclip_widget as gw\n"
        f"w = gw.show(gw.Explanation.load({str(tmp_path / 'e.npz')!r}))\n"
        "w._repr_mimebundle_()\n"
        "print('torch' in sys.modules, 'open_clip' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("show", "error", "message"),
    [
        (lambda: gw.show([]), ValueError, "at least one"),
        (lambda: gw.show(["a.npz"]), TypeError, "not str"),
        (lambda: gw.show("a.npz"), TypeError, "not str"),
        (lambda: gw.show(3), TypeError, "not int"),
        (
            lambda: gw.show(make_explanation(), colour="red"),
            TypeError,
            "'colour'",
        ),
    ],
)
def test_anything_but_explanations_is_an_error(
    show: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        show()


@pytest.mark.parametrize(
    ("synonym", "option"),
    [("cmap", "color_scale"), ("alpha", "opacity"), ("colour", "color_scale"), ("them", "theme")],
)
def test_the_error_for_a_synonym_names_the_option(synonym: str, option: str) -> None:
    with pytest.raises(TypeError, match=rf"'{synonym}'.*'{option}'"):
        gw.show(make_explanation(), **{synonym: 1})


def test_signatures_list_all_options() -> None:
    explore = inspect.signature(gw.explore).parameters
    assert {"device", "dtype", "pretrained", "fit", "readings", "reference", "layout"} <= set(
        explore
    )
    assert explore["opacity"].default == 0.72
    assert explore["fit"].default == "whole"
    assert set(names_of(option=True)) <= set(inspect.signature(gw.show).parameters)


def test_a_layout_can_be_given() -> None:
    widget = gw.show(make_explanation(), layout={"width": "500px"})
    assert widget.layout.width == "500px"


def test_an_unknown_option_is_an_error_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gradeclip_widget.clip.loading.load_once", lambda *args: pytest.fail("loaded")
    )
    with pytest.raises(TypeError, match="'opacitty'"):
        gw.explore("photo.jpg", "a dog", opacitty=1)


# Traits


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reading", "sideways", "'sideways'"),
        ("active", 1, "prompts"),
        ("active", -1, "prompts"),
        ("selected_words", [0, 4], r"\[4\].*4 words"),
        ("selected_words", ["dog"], "selected_words"),
        ("hovered_word", 4, r"\[4\].*4 words"),
        ("opacity", 1.5, "opacity"),
        ("opacity", "half", "opacity"),
        ("color_scale", "jet", "inferno"),
        ("sign", "up", "positive"),
        ("overview", "heat", "caption"),
        (
            "importance",
            "gradients",
            "'gradients'",
        ),
        ("theme", "pink", "light"),
        ("contour", "yes", "contour"),
        ("region", {"kind": "circle", "box": [0, 0, 1, 1]}, "is neither"),
        ("region", {"kind": "box", "box": [0, 0, 1]}, "is neither"),
        ("region", {"kind": "box", "box": [0, 0, 1, float("nan")]}, "is neither"),
        ("region", {"kind": "polygon", "points": [[0, 1], [2]]}, "is neither"),
        ("region", {"kind": "box", "box": ["a", 0, 1, 1]}, "is neither"),
        ("region", {}, "is neither"),
        ("prompts", (), "prompts"),
        ("prompts", ("a dog", 3), "prompts"),
        ("versus", 1, "prompts"),
        ("history_index", 1, "steps"),
        ("vocabulary", "objects", "'objects'"),
        ("erase", "burn", "blur"),
        ("image_block", -1, "image_block"),
        ("image_layers", 0, "image_layers"),
        ("controls", ["prompt", "knobs"], "history"),
        ("region", [0, 0, 1, 1], "region"),
    ],
)
def test_a_wrong_value_is_an_error_and_changes_nothing(
    shown: Widget, name: str, value: Any, message: str
) -> None:
    before = getattr(shown, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_a_reading_that_was_not_computed_is_an_error() -> None:
    widget = gw.show(make_explanation(alone=None, left_out=None))
    with pytest.raises(traitlets.TraitError, match="'in caption'"):
        widget.reading = "alone"


def test_a_measure_that_was_not_computed_is_an_error() -> None:
    widget = gw.show(make_explanation(integrated_gradients=None), importance="grad-eclip")
    with pytest.raises(
        traitlets.TraitError,
        match=r"'leave-one-out', 'grad-eclip'$",
    ):
        widget.importance = "integrated-gradients"
    assert widget.importance == "grad-eclip"


def test_the_docstring_lists_every_public_trait() -> None:
    document = Widget.__doc__ or ""
    assert "opacity: opacity of the strongest evidence." in document
    assert "erase: how the region is erased" in document
    assert "_payloads" not in document


def test_changes_by_a_reader_can_be_observed(shown: Widget) -> None:
    changes: list[tuple[str, Any]] = []
    shown.observe(lambda c: changes.append((c["name"], c["new"])), ["selected_words", "region"])
    box = {"kind": "box", "box": [10.0, 5.0, 30.0, 20.0]}
    shown.set_state({"selected_words": [2], "region": box})
    assert sorted(changes, key=str) == [("region", box), ("selected_words", [2])]
    assert shown.explanation.region_words(shown.region)


def test_a_widget_within_others_has_a_line_of_plain_text(shown: Widget) -> None:
    assert repr(shown) == (
        "ExplanationWidget('a red-ish dog, running', score=0.312, model='made by hand')"
    )
    bundle = ipywidgets.VBox([shown])._repr_mimebundle_()
    assert "ExplanationWidget('a red-ish dog" in bundle["text/plain"]


# Without a kernel


def test_save_html_writes_every_prompt(live: Widget, tmp_path: Path) -> None:
    path = live.save_html(tmp_path / "out.html", title="Two dogs")
    text = path.read_text(encoding="utf-8")
    assert "<title>Two dogs</title>" in text
    assert '"a dog"' in text
    assert '"a red cat runs"' in text


def test_the_picture_is_not_changed_by_showing_it() -> None:
    e = make_explanation(image=Image.new("RGB", (3000, 10)), cover=(0.0, 0.0, 3000.0, 10.0))
    gw.show(e)
    assert e.image.size == (3000, 10)
