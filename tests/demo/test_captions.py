"""Captions as claims, and claims made wrong."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.demo.captions import Caption, Mention, describe
from gradeclip_widget.demo.world import counted, plural

APPLE, CIRCLE, STAR = Mention("apple"), Mention("circle", "red"), Mention("star", "blue")


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        (Caption((APPLE,)), "an apple"),
        (Caption((CIRCLE, APPLE), "left of"), "a red circle left of an apple"),
        (Caption((APPLE, CIRCLE, STAR)), "an apple, a red circle and a blue star"),
        (
            Caption((Mention("dog", count=2), STAR), "with", "pink", "a photo of "),
            "a photo of two dogs with a blue star on a pink background",
        ),
    ],
)
def test_captions_read_like_english(caption: Caption, text: str) -> None:
    assert str(caption) == text


@pytest.mark.parametrize(
    ("noun", "many"),
    [("dog", "dogs"), ("bus", "buses"), ("butterfly", "butterflies"), ("red star", "red stars"),
     ("monkey", "monkeys"), ("popcorn", "popcorn"), ("torch", "torches")],
)  # fmt: skip
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


def test_things_that_are_only_plural_have_no_article() -> None:
    assert (counted("scissors", 1), counted("scissors", 2)) == ("scissors", "two scissors")


@given(st.integers(0, 10_000))
def test_a_falsified_caption_names_an_absent_thing(seed: int) -> None:
    rng = Random(seed)
    things = [Mention("dog", count=rng.randint(1, 2)), CIRCLE, STAR][: rng.randint(1, 3)]
    centers = [(rng.randint(0, 200), rng.randint(0, 200)) for _ in things]
    caption = describe(rng, things, centers, None)
    wrong = caption.falsified(rng, [thing.phrase for thing in things])
    assert str(wrong) != str(caption)
    present = {str(thing) for thing in things}
    if wrong.joint == caption.joint and wrong.mentions != caption.mentions[::-1]:
        assert any(str(mention) not in present for mention in wrong.mentions)


def test_a_thing_missing_from_the_caption_is_in_the_scene() -> None:
    lengths = {
        len(describe(Random(seed), [APPLE, CIRCLE, STAR], [(0, 0)] * 3, None).mentions)
        for seed in range(40)
    }
    assert lengths == {1, 2, 3}
