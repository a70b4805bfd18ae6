"""Questions about the explanations shown: words of a region, the mask test, maps of single blocks."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import traitlets
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

from ..factories import GRID, SIZE
from ..fakes import FakeBackend, live_widget

PATIENCE = 30  # seconds until a waiting test fails
Widget = gw.ExplanationWidget
LEFT = {"kind": "box", "box": [0, 0, SIZE[0] / GRID[1], SIZE[1]]}  # the first column of patches


@pytest.fixture
def backend(clip: gw.ClipModel) -> FakeBackend:
    return FakeBackend(clip, words={"mine": ["left", "next", "third", "fourth", "right"]})


@pytest.fixture
def live(backend: FakeBackend) -> Widget:
    """A widget of two captions."""
    return live_widget(backend)


def calls(backend: FakeBackend, what: str) -> list[list[str]]:
    return [captions for captions, kind in backend.calls if kind == what]


# Words of a region


def test_a_region_is_compared_with_the_words_of_a_vocabulary(live: Widget) -> None:
    live.vocabulary = "mine"
    assert live.seen == []
    live.region = LEFT
    live.wait(PATIENCE)
    assert live.seen[0]["word"] == "left"
    assert live.seen[0]["value"] > live.seen[1]["value"]
    assert live.status == "ready"


def test_another_region_needs_no_pass_of_the_image_tower(
    live: Widget, backend: FakeBackend
) -> None:
    live.vocabulary, live.region = "mine", LEFT
    live.wait(PATIENCE)
    live.region = {"kind": "box", "box": [48, 0, 60, 40]}
    live.wait(PATIENCE)
    assert live.seen[0]["word"] == "right"
    assert backend.encoded == 1


def test_without_a_region_or_a_vocabulary_there_are_no_words(live: Widget) -> None:
    live.vocabulary, live.region = "mine", LEFT
    live.wait(PATIENCE)
    live.region = None
    assert live.seen == []
    live.region = LEFT
    live.wait(PATIENCE)
    live.vocabulary = ""
    assert live.seen == []


def test_the_twelve_strongest_words_of_a_long_list_are_shown(live: Widget) -> None:
    live.vocabulary, live.region = "objects", LEFT
    live.wait(PATIENCE)
    assert len(live.seen) == 12
    values = [word["value"] for word in live.seen]
    assert values == sorted(values, reverse=True)


def test_the_lists_of_a_user_are_offered_with_the_built_in_ones(live: Widget) -> None:
    assert live._vocabularies == ["demo", "objects", "imagenet", "colors", "mine"]
    with pytest.raises(traitlets.TraitError, match=r"'yours'.*'demo', .*'mine'"):
        live.vocabulary = "yours"


def test_a_question_about_a_region_does_not_stop_an_explanation(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.prompt = "a wolf"
    assert backend.gate.reached.wait(PATIENCE)
    live.vocabulary, live.region = "mine", LEFT
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.explanation.caption, live.seen[0]["word"]) == ("a wolf", "left")
    assert calls(backend, "grad-eclip") == [["a wolf"]]


def test_an_explanation_is_computed_before_the_answer_to_a_question(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.vocabulary, live.region = "mine", LEFT
    assert backend.gate.reached.wait(PATIENCE)
    live.prompt = "a wolf"
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.explanation.caption, live.seen[0]["word"]) == ("a wolf", "left")


def test_cancelling_switches_off_questions_without_an_answer(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.vocabulary, live.region = "mine", LEFT
    assert backend.gate.reached.wait(PATIENCE)
    live.cancel()
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.vocabulary, live.seen, live.status) == ("", [], "ready")
    assert live.region == LEFT


def test_a_region_outside_of_the_picture_is_an_error(live: Widget) -> None:
    live.vocabulary, live.region = "mine", {"kind": "box", "box": [500, 500, 600, 600]}
    live.wait(PATIENCE)
    assert live.status == "error"
    assert "lies outside the picture" in live.error
    live.region = LEFT
    live.wait(PATIENCE)
    assert (live.status, live.error) == ("ready", "")


# The mask test


def test_erasing_the_region_scores_all_prompts(live: Widget, backend: FakeBackend) -> None:
    live.region, live.erase = LEFT, "mean"
    live.wait(PATIENCE)
    assert live.erased is not None
    assert (live.erased["how"], live.erased["scores"]) == ("mean", [0.0, 1.0])
    assert calls(backend, "scores") == [["a dog", "a red cat runs"]]
    sent = Image.open(io.BytesIO(live.erased["image"]))
    assert (sent.format, sent.size) == ("WEBP", SIZE)


def test_a_region_that_the_model_did_not_see_has_no_score(live: Widget) -> None:
    live.region, live.erase = (
        {"kind": "box", "box": [0, 0, 4, 40]},
        "mean",
    )  # the cover begins at x = 5
    live.wait(PATIENCE)
    assert live.erased is not None
    assert live.erased["scores"] == [None, None]


def test_a_region_in_fractions_is_refused(live: Widget) -> None:
    with pytest.raises(traitlets.TraitError, match=r"\(0.1, 0.2, 0.5, 0.6\).*fractions.*pixels"):
        live.region = {"kind": "box", "box": [0.1, 0.2, 0.5, 0.6]}


def test_only_the_region_is_erased(live: Widget, backend: FakeBackend) -> None:
    live.region, live.erase = LEFT, "mean"
    live.wait(PATIENCE)
    before = np.asarray(live.explanation.image, int)
    changed = np.abs(np.asarray(backend.erased_pictures[0], int) - before).any((0, 2))
    assert changed[:12].all()
    assert not changed[12:].any()


def test_the_mask_test_is_done_again_for_another_erasure_or_prompt_and_ends_with_its_region(
    live: Widget, backend: FakeBackend
) -> None:
    live.region, live.erase = LEFT, "mean"
    live.wait(PATIENCE)
    live.erase = "noise"
    live.wait(PATIENCE)
    assert live.erased is not None
    assert live.erased["how"] == "noise"
    live.prompts = ("a wolf",)
    live.wait(PATIENCE)
    assert live.erased["scores"] == [0.0]
    live.region = {"kind": "box", "box": [30, 0, 60, 40]}
    live.wait(PATIENCE)
    assert (live.erase, live.erased, len(calls(backend, "scores"))) == ("", None, 3)


def test_the_mask_test_ends_with_the_region_or_when_it_is_switched_off(live: Widget) -> None:
    live.region, live.erase = LEFT, "blur"
    live.wait(PATIENCE)
    live.erase = ""
    assert live.erased is None
    live.erase = "blur"
    live.wait(PATIENCE)
    live.region = None
    assert live.erased is None


# Single blocks


def test_maps_of_single_blocks_are_those_of_the_active_prompt(live: Widget) -> None:
    live.depth = True
    live.wait(PATIENCE)
    assert live._depth is not None
    assert (live._depth["caption"], live._depth["image_blocks"]) == ("a dog", 3)
    live.active = 1
    live.wait(PATIENCE)
    assert live._depth["caption"] == "a red cat runs"
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert live._depth["caption"] == "a wolf"
    live.depth = False
    assert live._depth is None


def test_a_method_without_blocks_has_no_maps_of_blocks_and_no_error(live: Widget) -> None:
    live.depth = True
    live.wait(PATIENCE)
    live.method = "grad-cam"
    live.wait(PATIENCE)
    assert (live.status, live.error, live._depth) == ("ready", "", None)
    assert [m["blocks"] for m in live._methods if m["name"] == live.method] == [False]
    live.method = "grad-eclip"
    live.wait(PATIENCE)
    assert live._depth is not None


def test_maps_of_single_blocks_are_cleared_with_their_explanation(live: Widget) -> None:
    live.depth = True
    live.wait(PATIENCE)
    pairs: list[Any] = []
    live.observe(lambda change: pairs.append((live.explanation.caption, change["new"])), "_depth")
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert [(caption, depth and depth["caption"]) for caption, depth in pairs] == [
        ("a wolf", None),
        ("a wolf", "a wolf"),
    ]


# With the embedded model


def test_answers_are_those_of_an_explainer(
    clip: gw.ClipModel, explainer: gw.Explainer, scene: Scene
) -> None:
    widget = gw.explore(scene.image, ["a dog", "a red circle"], clip)
    dog = next(thing for thing in scene.objects if thing.name == "dog")
    widget.region = {"kind": "box", "box": list(dog.box)}
    widget.vocabulary, widget.erase, widget.depth = "demo", "mean", True
    widget.wait(PATIENCE)
    assert widget.error == ""
    ranked = explainer.classify_region(scene.image, dog.box, gw.vocabularies("demo")["demo"])
    assert widget.seen == [
        {"word": w.word, "value": pytest.approx(w.value, abs=1e-5)} for w in ranked
    ]
    assert widget.erased is not None
    scores = [e.score for e in widget.explanations]
    fall = [before - after for before, after in zip(scores, widget.erased["scores"], strict=True)]
    assert fall[0] > 0.1, "the dog is erased"
    assert fall[0] > fall[1]
    assert widget._depth is not None
    assert widget._depth["image_blocks"] == clip.image_tower.depth
