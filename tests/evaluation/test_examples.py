"""Examples: their phrases, masks and errors."""

from __future__ import annotations

import numpy as np
import pytest

from gradeclip_widget.demo import sample_scene
from gradeclip_widget.evaluation import Example, demo_examples, scene_example

from ..factories import picture, words_of

MASK = np.ones((40, 60), bool)


def test_a_phrase_and_its_span_name_the_same_words() -> None:
    caption = "a red car and a dog"
    words = words_of(caption)
    by_phrase = next(Example(picture(), caption, masks={"red car": MASK}).phrases(words))
    by_span = next(Example(picture(), caption, masks={(2, 9): MASK}).phrases(words))
    assert by_phrase[:2] == by_span[:2] == ("red car", [1, 2])


def test_a_phrase_that_occurs_twice_needs_a_span() -> None:
    caption = "a dog left of a dog"
    with pytest.raises(ValueError, match="occurs 2 times"):
        Example(picture(), caption, masks={"dog": MASK})
    spans = Example(picture(), caption, masks={(16, 19): MASK})
    assert next(spans.phrases(words_of(caption))).words == [5]


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"cat": MASK}, "no word 'cat'"),
        ({(50, 60): MASK}, r"span \(50, 60\)"),
        ({"dog": MASK.astype(int)}, "mask of 'dog' .*boolean"),
        ({"dog": np.zeros((40, 60), bool)}, "mask is empty"),
    ],
)
def test_masks_that_do_not_fit_the_caption_raise_errors(masks: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Example(picture(), "a dog", masks=masks)


def test_a_caption_without_words_raises_an_error() -> None:
    with pytest.raises(ValueError, match="needs words"):
        Example(picture(), " ... ")
    with pytest.raises(TypeError, match="a string"):
        Example(picture(), ["a dog"])  # type: ignore[arg-type]


def test_a_scene_has_the_masks_of_the_named_things() -> None:
    scene = sample_scene(500_007, ["dog", "red circle", "red circle"])
    one = scene_example(scene, "one")
    named = {phrase.text: phrase for phrase in one.phrases(words_of(scene.caption))}
    circles = [thing.mask for thing in scene.objects if thing.name == "circle"]
    assert set(named) <= {"dog", "red circles"}
    assert "red circles" in named
    assert (named["red circles"].mask == np.logical_or(*circles)).all()


def test_demo_examples_are_the_same_for_the_same_seed() -> None:
    first, again = (list(demo_examples(2, 500_100)) for _ in range(2))
    assert [one.id for one in first] == ["scene 500100", "scene 500101"]
    for one, other in zip(first, again, strict=True):
        assert one.caption == other.caption
        assert one.image.tobytes() == other.image.tobytes()
