"""What a region is asked, and what it answers."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.core.vocabulary import VocabularyMaps
from gradeclip_widget.demo import Scene, sample_scene
from gradeclip_widget.explain.vocabulary_maps import word_embeddings

from ..clip.conftest import small_clip
from ..clip.invariants import wrap

SCENES = range(500_200, 500_220)
LISTS = {
    "demo": 154,
    "objects": 80,
    "imagenet": 998,
    "colours": 11,
}  # ImageNet names two things twice


def by_hand() -> VocabularyMaps:
    """Three words on 2 x 2 patches of a picture of 20 x 20 px."""
    maps = np.array([[[4, 0], [0, 0]], [[9, 9], [9, 9]], [[0, 1], [2, 3]]], np.float32)
    lengths, cover = np.array([1, 1, 0.5], np.float32), (0.0, 0.0, 20.0, 20.0)
    return VocabularyMaps(("here", "everywhere", "there"), maps, lengths, (20, 20), cover)


def test_a_region_ranks_words_by_its_mean_against_the_rest_and_the_other_words() -> None:
    ranked = by_hand().rank((0, 0, 10, 10))  # 4, 0 and -2, which are 2 / 3 on average
    assert [s.word for s in ranked] == ["here", "everywhere", "there"]
    assert [s.value for s in ranked] == pytest.approx([10 / 3, -2 / 3, (-8 / 3) / 0.5])


def test_half_a_patch_counts_half() -> None:
    e = by_hand()
    alone = VocabularyMaps(e.words[:1], e.maps[:1], e.lengths[:1], e.image_size, e.cover)
    assert alone.rank((0, 0, 15, 10))[0].value == pytest.approx(4 / 1.5)


def test_only_as_many_words_as_asked_for_are_given() -> None:
    assert [s.word for s in by_hand().rank((10, 10, 20, 20), 1)] == ["there"]
    assert len(by_hand().rank((10, 10, 20, 20), None)) == 3


def test_a_region_of_the_whole_picture_has_no_rest_to_stand_against() -> None:
    assert [s.value for s in by_hand().rank((0, 0, 20, 20))] == pytest.approx(
        [9 - 23 / 6, 1 - 23 / 6, (1.5 - 23 / 6) / 0.5]
    )


def test_where_the_model_saw_nothing_no_word_is_seen() -> None:
    e = by_hand()
    cropped = VocabularyMaps(e.words, e.maps, e.lengths, (20, 20), (5.0, 0.0, 15.0, 20.0))
    assert cropped.rank((0, 0, 4, 20)) == []


def test_lists_come_with_the_package() -> None:
    lists = gw.vocabularies("demo")
    assert {name: len(v.words) for name, v in lists.items()} == LISTS
    assert list(gw.vocabularies("ViT-B-16/openai")) == ["objects", "imagenet", "colours"]
    assert {"traffic light", "toothbrush"} <= set(lists["objects"].words)
    assert all(v.name == name for name, v in lists.items())


def test_every_word_is_put_into_the_template_once() -> None:
    mine = gw.Vocabulary("mine", ["dog", "{} cat", "dog"], "{}, drawn")  # type: ignore[arg-type]
    assert mine.texts == ["dog, drawn", "{} cat, drawn"]


@pytest.mark.parametrize(
    ("words", "template", "said"),
    [
        ((), "{}", "has no words"),
        (("dog", " "), "{}", "holds ' ', which is no word"),
        (("dog", 5), "{}", "holds 5, which is no word"),
        (("dog",), "a photo", "must hold one {}"),
    ],
)
def test_a_list_that_cannot_be_asked_is_refused(
    words: tuple[str, ...], template: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        gw.Vocabulary("mine", words, template)


def test_one_text_is_no_list() -> None:
    with pytest.raises(TypeError, match="are a list, not one text: 'dog cat'"):
        gw.Vocabulary("mine", "dog cat")


def test_a_words_map_is_its_reading_alone(explainer: gw.Explainer, scene: Scene) -> None:
    e = explainer(scene.image, "dog circle")
    assert e.alone is not None
    seen = explainer.vocabulary_maps(scene.image, gw.Vocabulary("two", ("dog", "circle")))
    np.testing.assert_allclose(seen.maps, e.alone, atol=1e-6)
    assert (seen.words, seen.image_size, seen.cover) == (
        ("dog", "circle"),
        scene.image.size,
        e.cover,
    )


def test_batches_of_words_are_mapped_as_all_at_once(
    explainer: gw.Explainer, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = gw.vocabularies()["colours"]
    at_once = explainer.vocabulary_maps(scene.image, colours).maps
    monkeypatch.setattr("gradeclip_widget.explain.vocabulary_maps._BATCH", 4)
    told: list[tuple[str, int, int | None]] = []
    batched = explainer.vocabulary_maps(scene.image, colours, lambda *step: told.append(step))
    np.testing.assert_allclose(batched.maps, at_once, atol=1e-6)
    assert told == [
        ("image tower", 0, None),
        ("words", 0, None),
        ("maps", 0, 11),
        ("maps", 4, 11),
        ("maps", 8, 11),
    ]


@pytest.mark.parametrize("method", ["grad-cam", "self-attention"])
def test_other_methods_can_be_asked_too(explainer: gw.Explainer, scene: Scene, method: str) -> None:
    colours = gw.vocabularies()["colours"]
    seen = explainer.with_method(method).vocabulary_maps(scene.image, colours)
    assert seen.maps.shape == (11, 14, 14)
    assert len(seen.rank(scene.objects[0].mask)) == 11


def test_words_are_encoded_once_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    small, calls = wrap(small_clip()), Counter[str]()
    embed = small.embed
    monkeypatch.setattr(small, "embed", lambda ids: calls.update(["embed"]) or embed(ids))
    with small.inference_context():
        first = word_embeddings(small, gw.Vocabulary("mine", ("dog", "cat")))
        again = word_embeddings(small, gw.Vocabulary("mine", ("dog", "cat")))
        assert calls["embed"] == 2  # nobody kept the first list
        kept = gw.Vocabulary("mine", ("dog", "cat"))
        for _ in range(3):
            last = word_embeddings(small, kept)
    assert calls["embed"] == 3
    assert torch.equal(first, again)
    assert torch.equal(first, last)


def test_embeddings_go_with_the_model() -> None:
    small, colours = wrap(small_clip()), gw.vocabularies()["colours"]
    with small.inference_context():
        embeddings = weakref.ref(word_embeddings(small, colours))
    del small
    gc.collect()
    assert embeddings() is None


def test_a_region_is_classified_as_its_object(explainer: gw.Explainer) -> None:
    """Two objects in view, 154 words."""
    words = gw.vocabularies("demo")["demo"]
    places = []
    for seed in SCENES:
        scene = sample_scene(seed, 2)
        encoded = explainer.encode(scene.image)
        for thing in scene.objects:
            if thing.mask.any():
                ranked = explainer.classify_region(encoded, thing.mask, words, None)
                places.append([s.word for s in ranked].index(thing.phrase))
    assert len(places) >= 38
    assert np.mean(np.array(places) < 3) >= 0.9
    assert np.mean(np.array(places) == 0) >= 0.75


def test_a_region_that_the_model_did_not_see_resembles_nothing(clip: gw.ClipModel) -> None:
    wide = Image.new("RGB", (400, 100))
    explainer = gw.Explainer(clip, fit="crop")
    colours = gw.vocabularies()["colours"]
    assert explainer.classify_region(wide, (0, 0, 20, 100), colours) == []
    assert len(explainer.classify_region(wide, (180, 0, 220, 100), colours, count=3)) == 3
