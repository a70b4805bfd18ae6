"""Importance of words on wrong and right captions, checked with explainers whose importances are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.demo import sample_scene
from gradeclip_widget.demo.world import COLORS, OBJECTS, SHAPES
from gradeclip_widget.evaluation import (
    AbsentWords,
    Evaluation,
    Example,
    TrueCaptions,
    WrongAttribute,
    demo_examples,
)
from gradeclip_widget.evaluation.cases import Case
from gradeclip_widget.evaluation.examples import scene_example
from gradeclip_widget.evaluation.measures.captions import PAIR_SEEDS, _background, naming
from gradeclip_widget.evaluation.roles import Roles
from gradeclip_widget.explain.explanation import Explanation

from ..factories import words_of
from .handmade import CAPTION, GRID, LEFT, RIGHT, SIDE, example, explained

KNOWN = "leave-one-out"  # the importance that the tests set
ABSENT = {
    "absent word above zero",
    "absent word colored",
    "visible word colored",
    "visible word above the absent one (AUC)",
}
Importance = Callable[[str], float]


def explainer_of(importance: Importance) -> Callable[[Any, str], Explanation]:
    """An explainer that gives each word a known importance, and all words the same map."""

    def explain(image: Any, caption: str) -> Explanation:
        texts = [word.text for word in words_of(caption)]
        effects = np.array([importance(text) for text in texts])
        ones = dict.fromkeys(texts, np.ones((GRID, GRID)))
        return explained(image, caption, ones, word_effects=effects)

    return explain


def known(words: Iterable[str], value: float, otherwise: float) -> Importance:
    """Return what gives these words one importance, "a" and "and" none, and all others another."""
    chosen = set(words)
    return lambda word: 0 if word in ("a", "an", "and") else value if word in chosen else otherwise


def figures(result: Evaluation, importance: str = KNOWN) -> dict[str, float]:
    table = result.table[result.table["importance"] == importance]
    return dict(zip(table["figure"], table["mean"], strict=True))


def animals(**more: Any) -> Example:
    """A picture of a dog and a cat, and no boat."""
    image = Image.new("RGB", (SIDE, SIDE), "gray")
    masks = {"dog": LEFT, "cat": RIGHT}
    return Example(image, CAPTION, "", masks, **{"absent": ["boat"]} | more)


@pytest.mark.parametrize(
    ("importance", "above_zero", "colored", "visible", "auc"),
    [
        (known(["boat"], -1, 1), 0, 0, 1, 1),
        (known(["boat"], 0, 1), 0, 0, 1, 1),
        (known(["boat"], 0.1, 1), 1, 0, 1, 1),
        (known(["boat"], 1, -1), 1, 1, 0, 0),
        (known([], 0, 0.25), 1, 1, 1, 0.5),
        (known(["boat", "dog"], 1, 2), 1, 1, 1, 0.75),
    ],
    ids=["oracle", "zero", "small", "inverted", "constant", "half"],
)
def test_the_quantities_of_an_absent_word_follow_from_its_importance(
    importance: Importance, above_zero: float, colored: float, visible: float, auc: float
) -> None:
    result = AbsentWords()(explainer_of(importance), [animals()], progress=False)
    assert figures(result) == dict(
        zip(
            [
                "absent word above zero",
                "absent word colored",
                "visible word colored",
                "visible word above the absent one (AUC)",
            ],
            [above_zero, colored, visible, auc],
            strict=True,
        )
    )


def test_every_importance_of_an_explanation_is_measured() -> None:
    result = AbsentWords()(explainer_of(known(["boat"], -1, 1)), [animals()], progress=False)
    explanation = explainer_of(known([], 0, 1))(animals().image, CAPTION)
    assert result.table["importance"].unique().tolist() == [*explanation.importance_measures]
    assert set(figures(result, "evidence")) == ABSENT


def things(measure: AbsentWords, one: Example, seed: int = 0) -> Any:
    return measure.things(one, np.random.default_rng(seed))


def test_an_absent_thing_shares_no_word_with_the_picture_or_the_caption() -> None:
    classes = ["hot dog", "Dogs", "boat", "house", "big cat", "sailing boat"]
    one = animals(present=["house boats"])
    assert things(AbsentWords(classes), one) is None
    assert things(AbsentWords([*classes, "cup of tea"]), one)[1] == "cup of tea"


def test_absent_things_come_from_the_example_or_the_user() -> None:
    assert things(AbsentWords(), animals(absent=["boat"]))[1] == "boat"
    assert things(AbsentWords(["tree"]), animals(absent=["boat"]))[1] == "tree"


def test_things_that_share_a_word_are_not_named_together() -> None:
    one = Example(
        Image.new("RGB", (9, 9)), "shapes", present=["red star", "blue star"], absent=["owl"]
    )
    visible, absent = things(AbsentWords(), one)
    assert len(visible) == 1
    assert absent == "owl"


def test_the_order_of_things_is_random_and_depends_on_the_example() -> None:
    seen: set[str] = set()

    def explain(image: Any, caption: str) -> Explanation:
        seen.add(caption)
        return explainer_of(known([], 0, 1))(image, caption)

    named = [
        Example(animals().image, CAPTION, str(n), animals().masks, absent=["boat"])
        for n in range(40)
    ]
    for _ in range(2):
        AbsentWords()(explain, named, progress=False)
    assert len(seen - {CAPTION}) == 6  # of three things


def test_an_example_without_known_things_is_not_measured() -> None:
    unknown = [animals(absent=[]), Example(animals().image, "a dog", absent=["boat"])]
    with pytest.raises(ValueError, match="known to be in the picture"):
        AbsentWords()(explainer_of(known([], 0, 1)), unknown, progress=False)


def test_naming_returns_the_caption_and_the_words_of_each_thing() -> None:
    caption, words = naming(["traffic light", "apple"])
    assert caption == "a traffic light and an apple"
    texts = np.array([word.text for word in words_of(caption)])
    assert [texts[one].tolist() for one in words] == [["traffic", "light"], ["apple"]]


def pair(n: int, importance: Callable[[str, str], Importance]) -> dict[str, float]:
    """Return the figures of one scene of shapes, given the importance for its wrong and right color."""
    one = scene_example(sample_scene(490_020 + n, 2))
    case = Case(one, one.read(), None, lambda *_: None, None, (0, n))  # type: ignore[arg-type]
    _, caption, wrong, right = WrongAttribute.scene(int(case.rng().integers(*PAIR_SEEDS)))
    texts = [word.text for word in words_of(caption)]
    explain = explainer_of(importance(texts[wrong], texts[right]))
    rows = WrongAttribute().rows(Case(one, one.read(), None, explain, None, (0, n)))  # type: ignore[arg-type]
    return {row.figure: row.value for row in rows if row.group == KNOWN}


@pytest.mark.parametrize(
    ("importance", "expected"),
    [
        (lambda wrong, right: known([wrong], -1, 1), [0, 0, 1, 1]),
        (lambda wrong, right: known([right], -1, 1), [1, 1, 0, 0]),
        (lambda wrong, right: known([], 0, 1), [1, 1, 0, 1]),
        (lambda wrong, right: known([wrong], 0.1, 1), [1, 0, 1, 1]),
    ],
    ids=["oracle", "inverted", "constant", "small"],
)
def test_the_quantities_of_a_wrong_color_follow_from_its_importance(
    importance: Any, expected: list[float]
) -> None:
    names = [
        "wrong color above zero",
        "wrong color colored",
        "wrong color below the right one",
        "right color colored",
    ]
    for n in range(4):
        assert pair(n, importance) == dict(zip(names, expected, strict=True))


def test_the_wrong_color_is_not_in_the_scene() -> None:
    first = 0
    for seed in range(1_000_000, 1_000_060):
        scene, caption, wrong, right = WrongAttribute.scene(seed)
        texts = [word.text for word in words_of(caption)]
        colors = {thing.phrase.split()[0] for thing in scene.objects}
        shapes = {thing.phrase.split()[1] for thing in scene.objects}
        assert len(colors) == len(shapes) == 2
        assert texts[wrong] in COLORS
        assert texts[wrong] not in colors
        assert f"{texts[wrong + 1]}" in shapes
        assert f"{texts[right]} {texts[right + 1]}" in [thing.phrase for thing in scene.objects]
        first += wrong < right
    assert 15 < first < 45


def test_the_wrong_color_is_not_that_of_the_background() -> None:
    named = 0
    for seed in range(1_000_000, 1_000_300):
        scene, caption, wrong, _ = WrongAttribute.scene(seed)
        ground = _background(seed, [thing.phrase for thing in scene.objects])
        assert ground != caption.replace(",", "").split()[wrong]
        if scene.caption.endswith("background"):
            named += 1
            assert scene.caption.endswith(f"on a {ground} background")
    assert named > 10


def test_wrong_colors_need_drawn_scenes() -> None:
    with pytest.raises(ValueError, match="a drawn scene"):
        WrongAttribute()(explainer_of(known([], 0, 1)), [animals()], progress=False)


@pytest.mark.parametrize(
    ("importance", "zero", "colored", "above", "function"),
    [
        (known([], 0, 1), 0, 1, 1, 0),
        (known(["cat"], 0, 1), 0.5, 0.5, 0, 0),
        (known(["cat"], -1, 1), 0.5, 0.5, 0, 0),
        (known(["cat"], 0.1, 1), 0, 0.5, 1, 0),
        (lambda word: 1.0, 0, 1, 0, 1),
        (lambda word: float(word == "and"), 1, 0, 0, 1),
    ],
    ids=["oracle", "zero", "negative", "small", "constant", "inverted"],
)
def test_the_quantities_of_a_true_caption_follow_from_its_importances(
    importance: Importance, zero: float, colored: float, above: float, function: float
) -> None:
    result = TrueCaptions()(explainer_of(importance), [example()], progress=False)
    assert figures(result) == {
        "named word at or below zero": zero,
        "named word colored": colored,
        "named words above every function word": above,
        "a function word colored": function,
    }


def test_function_words_of_a_users_caption_are_english_ones() -> None:
    caption = "A photo of the dog on grass"
    one = Example(animals().image, caption, masks={"dog": LEFT})
    roles = Roles.of(one, words_of(caption))
    texts = np.array(caption.split())
    assert texts[roles.nouns].tolist() == ["dog"]
    assert texts[roles.content].tolist() == ["photo", "dog", "grass"]
    assert texts[roles.function].tolist() == ["A", "of", "the", "on"]


def test_scenes_know_their_present_and_absent_things() -> None:
    for one in demo_examples(20, 490_000):
        assert one.scene is not None
        inside = {thing.phrase for thing in one.scene.objects}
        assert set(one.present) == {t.phrase for t in one.scene.objects if t.mask.any()}
        assert set(one.absent) == set(OBJECTS) - inside


def test_the_embedded_model_is_measured_on_scenes(clip: gw.ClipModel) -> None:
    explainers = {
        "grad-eclip": gw.Explainer(clip, integrated_gradients=True),
        "rise": gw.Explainer(clip, "rise", method_options={"masks": 4}),
    }
    measures = [AbsentWords(), WrongAttribute(), TrueCaptions()]
    result = gw.evaluation.evaluate(explainers, demo_examples(6, 490_030), measures, progress=False)
    for one in result.values():
        assert one.table["mean"].between(0, 1).all()
        first = one.examples[one.examples["method"] == "grad-eclip"]
        of_explanation = explainers["grad-eclip"](sample_scene(490_030).image, "a dog")
        assert first["importance"].unique().tolist() == [*of_explanation.importance_measures]
        assert first["example"].nunique() == 6
    absent = result["absent words"]
    by_method = absent.table[absent.table["method"] == "grad-eclip"]
    left_out = by_method[by_method["importance"] == KNOWN].set_index("figure")["mean"]
    assert left_out["visible word above the absent one (AUC)"] > 0.9
    assert left_out["absent word colored"] == 0
    known_words = absent.examples[absent.examples["figure"] == "absent word colored"]["word"]
    assert set(known_words) <= set(OBJECTS)
    wrong = result["wrong attribute"]
    assert set(wrong.examples["word"]) <= set(COLORS)
    assert not set(wrong.examples["word"]) & set(SHAPES)


def test_an_importance_that_a_method_lacks_has_no_rows(clip: gw.ClipModel) -> None:
    explainers = {
        "all": gw.Explainer(clip),
        "few": gw.Explainer(clip, readings=False),
    }
    table = TrueCaptions()(explainers, demo_examples(2, 490_030), progress=False).table
    rows = {method: set(of["importance"]) for method, of in table.groupby("method")}
    assert KNOWN in rows["all"] - rows["few"]
    assert rows["few"]


def test_another_caption_takes_no_second_pass_of_the_picture(
    clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[Any] = []
    encode = gw.Explainer.encode
    monkeypatch.setattr(
        gw.Explainer, "encode", lambda *args, **more: passes.append(args) or encode(*args, **more)
    )
    explainers = {name: gw.Explainer(clip, name) for name in ("grad-eclip", "legrad")}
    AbsentWords()(explainers, demo_examples(3, 490_030), progress=False)
    assert len(passes) == 3


def test_methods_are_compared_figure_by_figure() -> None:
    explainers = {
        "oracle": explainer_of(known(["boat"], -1, 1)),
        "constant": explainer_of(known([], 0, 1)),
    }
    result = AbsentWords()(explainers, [animals()], progress=False)
    differences = result.differences(to="oracle")
    of_known = differences[differences["importance"] == KNOWN].set_index("figure")["mean"]
    assert set(differences["method"]) == {"constant"}
    assert of_known["absent word colored"] == 1
    assert of_known["visible word above the absent one (AUC)"] == -0.5


def test_a_figure_has_a_row_for_each_quantity_of_the_measure() -> None:
    explain = explainer_of(known([], 0, 1))
    alone = AbsentWords()({"one": explain}, [animals()], progress=False).figure()
    assert {trace.name for trace in alone.data} >= {KNOWN, "evidence"}
    assert set(alone.data[0].y) == ABSENT
    both = AbsentWords()({"one": explain, "other": explain}, [animals()], progress=False).figure()
    assert "other: absent word colored" in both.data[0].y
    assert len(both.data[0].y) == 8
