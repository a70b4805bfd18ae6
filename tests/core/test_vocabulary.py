"""Vocabularies, and how a region ranks their words."""

from __future__ import annotations

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.vocabulary import VocabularyMaps

LISTS = {
    "demo": 154,
    "objects": 80,
    "imagenet": 998,
    "colors": 11,
}  # ImageNet names two things twice


def by_hand() -> VocabularyMaps:
    """Three words on 2 x 2 patches of a picture of 20 x 20 px."""
    maps = np.array([[[4, 0], [0, 0]], [[9, 9], [9, 9]], [[0, 1], [2, 3]]], np.float32)
    lengths, cover = np.array([1, 1, 0.5], np.float32), (0.0, 0.0, 20.0, 20.0)
    return VocabularyMaps(("here", "everywhere", "there"), maps, lengths, (20, 20), cover)


def test_a_region_ranks_words_by_its_mean_minus_the_rest_and_the_other_words() -> None:
    ranked = by_hand().rank((0, 0, 10, 10))  # 4, 0 and -2, which are 2 / 3 on average
    assert [s.word for s in ranked] == ["here", "everywhere", "there"]
    assert [s.value for s in ranked] == pytest.approx([10 / 3, -2 / 3, (-8 / 3) / 0.5])


def test_half_a_patch_counts_half() -> None:
    e = by_hand()
    alone = VocabularyMaps(e.words[:1], e.maps[:1], e.lengths[:1], e.image_size, e.cover)
    assert alone.rank((0, 0, 15, 10))[0].value == pytest.approx(4 / 1.5)


def test_count_limits_the_number_of_words() -> None:
    assert [s.word for s in by_hand().rank((10, 10, 20, 20), 1)] == ["there"]
    assert len(by_hand().rank((10, 10, 20, 20), None)) == 3


def test_a_region_of_the_whole_picture_ranks_words_by_its_mean() -> None:
    assert [s.value for s in by_hand().rank((0, 0, 20, 20))] == pytest.approx(
        [9 - 23 / 6, 1 - 23 / 6, (1.5 - 23 / 6) / 0.5]
    )


def test_a_region_the_model_did_not_see_ranks_no_words() -> None:
    e = by_hand()
    cropped = VocabularyMaps(e.words, e.maps, e.lengths, (20, 20), (5.0, 0.0, 15.0, 20.0))
    assert cropped.rank((0, 0, 4, 20)) == []


def test_the_package_has_lists() -> None:
    lists = gw.vocabularies("demo")
    assert {name: len(v.words) for name, v in lists.items()} == LISTS
    assert list(gw.vocabularies("ViT-B-16/openai")) == ["objects", "imagenet", "colors"]
    assert {"traffic light", "toothbrush"} <= set(lists["objects"].words)
    assert all(v.name == name for name, v in lists.items())


def test_every_word_is_put_into_the_template_once() -> None:
    mine = gw.Vocabulary("mine", ["dog", "{} cat", "dog"], "{}, drawn")  # type: ignore[arg-type]
    assert mine.texts == ["dog, drawn", "{} cat, drawn"]


@pytest.mark.parametrize(
    ("words", "template", "word"),
    [
        ((), "{}", "no words"),
        (("dog", " "), "{}", "' '.*not a word"),
        (("dog", 5), "{}", "5.*not a word"),
        (("dog",), "a photo", "'a photo'.*{}"),
    ],
)
def test_a_malformed_vocabulary_raises(words: tuple[str, ...], template: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        gw.Vocabulary("mine", words, template)


def test_a_string_is_not_a_list_of_words() -> None:
    with pytest.raises(TypeError, match=r"list.*'dog cat'"):
        gw.Vocabulary("mine", "dog cat")
