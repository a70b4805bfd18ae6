"""Several methods side by side: one after the other, on one pass of the picture, and their curves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.demo import model as demo
from gradeclip_widget.evaluation import Deletion, Insertion
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.widget.request import Request

from ..factories import GRID, SIZE, make_explanation
from ..fakes import FakeBackend

PATIENCE = 30  # seconds until a waiting test fails
Widget = gw.ExplanationWidget
THREE = ["grad-eclip", "grad-cam", "self-attention"]
LEFT = {"kind": "box", "box": [0, 0, SIZE[0] / GRID[1], SIZE[1]]}  # the first column of patches


def computed(widget: Widget) -> list[str]:
    return [cell["name"] for cell in widget._comparison if "maps" in cell]


def explained_methods(backend: FakeBackend) -> list[str]:
    return [method for _, method in backend.calls]


# One after the other


def test_the_caption_is_explained_by_every_compared_method(
    live: Widget, backend: FakeBackend
) -> None:
    live.compare = THREE
    live.wait(PATIENCE)
    assert list(live.comparison) == THREE
    assert {e.caption for e in live.comparison.values()} == {"a dog"}
    assert explained_methods(backend) == THREE[1:], "the method shown is computed already"
    assert backend.encoded == 1, "all share one pass of the image tower"
    assert (live.status, live.error) == ("ready", "")


def test_the_first_map_is_shown_before_the_second_is_computed(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.compare = ["grad-cam", "grad-eclip"]
    assert backend.gate.reached.wait(PATIENCE)
    assert [cell["name"] for cell in live._comparison] == ["grad-cam", "grad-eclip"]
    assert (computed(live), list(live.comparison)) == (["grad-eclip"], ["grad-eclip"])
    backend.gate.open()
    live.wait(PATIENCE)
    assert computed(live) == ["grad-cam", "grad-eclip"]


def test_a_view_gets_maps_without_the_picture(live: Widget) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    for cell in live._comparison:
        assert set(cell) == {"name", "label", "header", "maps"}
        rows = sum(block["rows"] for block in cell["header"]["maps"])
        assert len(cell["maps"]) == 4 * rows * GRID[0] * GRID[1]


def test_only_an_added_method_is_computed(live: Widget, backend: FakeBackend) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    shown: list[list[str]] = []
    live.observe(lambda change: shown.append(computed(live)), "_comparison")
    live.compare = THREE
    live.wait(PATIENCE)
    assert explained_methods(backend) == THREE[1:]
    assert shown == [THREE[:2], THREE], "the maps shown stay meanwhile"


def test_a_method_that_fails_shows_its_error_and_the_others_are_shown(
    live: Widget, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain = backend.explain

    def failing(request: Request, progress: Any = None) -> list[Explanation]:
        if request.method == "grad-cam":
            raise MemoryError
        return explain(request, progress)

    monkeypatch.setattr(backend, "explain", failing)
    live.compare = THREE
    live.wait(PATIENCE)
    assert computed(live) == ["grad-eclip", "self-attention"]
    assert live._comparison[1]["error"] == "MemoryError"
    assert list(live.comparison) == ["grad-eclip", "self-attention"]
    assert live.status == "ready"


def test_a_method_that_cannot_explain_the_model_shows_the_reason(scene: Scene) -> None:
    pooled = gw.ClipModel(demo.build(), demo.preprocess(), demo.tokenizer(), name="pooled")
    pooled.image_tower.has_query = False
    widget = gw.explore(scene.image, "a dog", pooled, compare=["grad-cam", "self-attention"])
    widget.wait(PATIENCE)
    assert computed(widget) == ["grad-cam"]
    assert "shows what a query attends to" in widget._comparison[1]["error"]


# Changes while methods are compared


def test_another_prompt_is_compared_again(live: Widget, backend: FakeBackend) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    pairs: list[tuple[str, set[str]]] = []
    live.observe(
        lambda change: pairs.append(
            (live.explanation.caption, {e.caption for e in change["new"].values()})
        ),
        "comparison",
    )
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert {caption for _, captions in pairs for caption in captions} == {"a wolf"}
    assert computed(live) == THREE[:2]
    live.active = 1
    live.wait(PATIENCE)
    assert {e.caption for e in live.comparison.values()} == {"a red cat runs"}


def test_a_region_does_not_restart_a_comparison(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.region = LEFT
    backend.gate.open()
    live.wait(PATIENCE)
    assert explained_methods(backend) == ["grad-cam"]
    assert computed(live) == THREE[:2]


def test_curves_do_not_restart_a_comparison(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.curves = True
    backend.gate.open()
    live.wait(PATIENCE)
    assert explained_methods(backend) == ["grad-cam"]
    assert list(live.perturbation_curves) == THREE[:2]


def test_a_question_about_a_region_is_answered_first(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.region, live.vocabulary = LEFT, "demo"
    backend.gate.open()
    live.wait(PATIENCE)
    assert explained_methods(backend) == ["grad-cam", "vocabulary", "grad-cam"]
    assert live.seen
    assert computed(live) == THREE[:2]


def test_cancelling_keeps_the_methods_that_are_computed(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE
    assert backend.gate.reached.wait(PATIENCE)
    live.cancel()
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.compare, computed(live), live.status) == (["grad-eclip"], ["grad-eclip"], "ready")
    assert explained_methods(backend) == ["grad-cam"]


def test_ending_the_comparison_ends_its_work(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE
    assert backend.gate.reached.wait(PATIENCE)
    live.compare = []
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.comparison, live._comparison, live.status) == ({}, [], "ready")
    assert explained_methods(backend) == ["grad-cam"]


# Wrong values


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["grad-can"],
            "'grad-can'.*'grad-cam'",
        ),
        (["x"], "'x'"),
        (["grad-cam", "grad-cam"], "twice"),
        (["grad-cam"] * 7, "7 methods"),
    ],
)
def test_methods_that_cannot_be_compared_are_an_error(
    live: Widget, names: list[str], message: str
) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        live.compare = names
    assert live.compare == []


def test_a_saved_explanation_has_no_model_to_compare_with() -> None:
    with pytest.raises(traitlets.TraitError, match="no model"):
        gw.show(make_explanation(), compare=THREE)


# With the embedded model


def test_the_maps_are_those_of_an_explainer_of_that_method(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=THREE)
    widget.wait(PATIENCE)
    for name in THREE:
        alone = gw.Explainer(clip, name)(scene.image, scene.caption)
        np.testing.assert_allclose(
            widget.comparison[name].interactions, alone.interactions, atol=1e-6
        )
        assert widget.comparison[name].seconds is not None


# Curves


def test_curves_are_shown_point_by_point_and_measured_once(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=["grad-cam"])
    widget.wait(PATIENCE)
    points: list[int] = []
    widget.observe(
        lambda change: points.append(
            sum(len(c["deletion"]) + len(c["insertion"]) for c in change["new"].values())
        ),
        "perturbation_curves",
    )
    widget.curves = True
    widget.wait(PATIENCE)
    assert points == list(range(1, 23))
    explainer = gw.Explainer(clip, "grad-cam")
    explanation = widget.comparison["grad-cam"]
    for measure in (Deletion(source="words"), Insertion(source="words")):
        expected = list(measure.curve(explainer, explanation))
        np.testing.assert_allclose(
            widget.perturbation_curves["grad-cam"][measure.name], expected, atol=1e-5
        )
    points.clear()
    widget.curves = False
    assert widget.perturbation_curves == {}
    widget.curves = True
    widget.wait(PATIENCE)
    assert points == [0, 22], "the curves are cached"


def test_curves_are_of_the_map_that_is_shown(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=["grad-eclip"], curves=True)
    widget.wait(PATIENCE)
    words = widget.perturbation_curves["grad-eclip"]
    assert words["source"] == "words"
    widget.overview = "caption"
    widget.wait(PATIENCE)
    caption = widget.perturbation_curves["grad-eclip"]
    assert caption["source"] == "caption"
    assert caption["deletion"] != words["deletion"]
    explainer, explanation = gw.Explainer(clip), widget.comparison["grad-eclip"]
    expected = list(Deletion(source="caption").curve(explainer, explanation))
    np.testing.assert_allclose(caption["deletion"], expected, atol=1e-5)


def test_curves_that_cannot_be_measured_show_the_reason(
    clip: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Deletion, *arguments: Any) -> Any:
        raise ValueError("the picture's score is -0.1: a curve relative to it needs one above 0")

    monkeypatch.setattr(Deletion, "curve", fail)
    widget = gw.explore(scene.image, "a dog", clip, compare=["grad-cam"], curves=True)
    widget.wait(PATIENCE)
    assert "needs one above 0" in widget.perturbation_curves["grad-cam"]["error"]
    assert widget.status == "ready"


# Without a kernel


def test_a_saved_page_includes_the_comparison(live: Widget, tmp_path: Path) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    text = live.save_html(tmp_path / "page.html").read_text("utf-8")
    match = re.search(r'id="gradeclip-state">(.*?)</script>', text)
    assert match is not None
    state = json.loads(match[1])
    assert state["compare"] == THREE[:2]
    assert [set(cell) for cell in state["_comparison"]] == [{"name", "label", "header", "maps"}] * 2


def test_methods_are_given_their_options(clip: gw.ClipModel, scene: Scene) -> None:
    quick, other = {"masks": 3}, {"masks": 4}
    expected = gw.Explainer(clip, "rise", method_options=quick)(scene.image, "a dog").signed_map
    by_keyword = gw.explore(scene.image, "a dog", clip, method="rise", method_options=quick)
    np.testing.assert_array_equal(by_keyword.explanation.signed_map, expected)
    of_explainer = gw.Explainer(clip, "rise", method_options=quick)
    from_explainer = gw.explore(scene.image, "a dog", of_explainer)
    np.testing.assert_array_equal(from_explainer.explanation.signed_map, expected)
    options = {"rise": quick, "m2ib": {"steps": 1}}
    compared = gw.explore(scene.image, "a dog", clip, compare=["rise"], method_options=options)
    compared.wait(PATIENCE)
    np.testing.assert_array_equal(compared.comparison["rise"].signed_map, expected)
    changed = gw.Explainer(clip, "rise", method_options=other)(scene.image, "a dog").signed_map
    assert not np.array_equal(changed, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": 3}, "'mask'.*'masks'"),
        ({"masks": 0}, "masks=0"),
        ({"rise": {"mask": 3}}, "'mask'"),
        ({"rise": {"masks": 3}, "grad-clip": {}}, "'grad-clip'"),
    ],
)
def test_wrong_options_of_a_method_are_an_error_of_the_call(
    clip: gw.ClipModel, scene: Scene, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gw.explore(scene.image, "a dog", clip, method="rise", method_options=options)
