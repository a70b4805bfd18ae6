"""Maps of a picture along a vocabulary, and regions classified by it."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.core.regions import RegionWarning
from gradeclip_widget.demo import Scene, sample_scene
from gradeclip_widget.explain.vocabulary_maps import word_embeddings

from ..clip.conftest import small_clip
from ..clip.invariants import wrap

SCENES = range(500_200, 500_220)


@pytest.mark.parametrize("method", ["grad-eclip", "grad-cam", "self-attention"])
def test_a_words_map_is_its_map_alone(explainer: gw.Explainer, scene: Scene, method: str) -> None:
    explainer = explainer.with_method(method)
    e = explainer(scene.image, "dog circle")
    assert e.alone is not None
    maps = explainer.vocabulary_maps(scene.image, gw.Vocabulary("two", ("dog", "circle"), "{}"))
    np.testing.assert_allclose(maps.maps, e.alone, atol=1e-6)
    assert (maps.words, maps.image_size, maps.cover) == (
        ("dog", "circle"),
        scene.image.size,
        e.cover,
    )


def test_batches_of_words_have_the_same_maps(
    explainer: gw.Explainer, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    colors = gw.vocabularies()["colors"]
    at_once = explainer.vocabulary_maps(scene.image, colors).maps
    monkeypatch.setattr("gradeclip_widget.explain.vocabulary_maps._BATCH", 4)
    reports: list[tuple[str, int, int | None]] = []
    batched = explainer.vocabulary_maps(scene.image, colors, lambda *step: reports.append(step))
    np.testing.assert_allclose(batched.maps, at_once, atol=1e-6)
    assert reports == [
        ("image tower", 0, None),
        ("words", 0, None),
        ("maps", 0, 11),
        ("maps", 4, 11),
        ("maps", 8, 11),
    ]


def test_words_are_encoded_once_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    small, calls = wrap(small_clip()), Counter[str]()
    embed = small.embed
    monkeypatch.setattr(small, "embed", lambda ids: calls.update(["embed"]) or embed(ids))
    with small.inference_context():
        first = word_embeddings(small, gw.Vocabulary("mine", ("dog", "cat")))
        again = word_embeddings(small, gw.Vocabulary("mine", ("dog", "cat")))
        assert calls["embed"] == 2  # the first list is already deleted
        vocabulary = gw.Vocabulary("mine", ("dog", "cat"))
        for _ in range(3):
            last = word_embeddings(small, vocabulary)
    assert calls["embed"] == 3
    assert torch.equal(first, again)
    assert torch.equal(first, last)


def test_embeddings_are_freed_with_the_model() -> None:
    small, colors = wrap(small_clip()), gw.vocabularies()["colors"]
    with small.inference_context():
        embeddings = weakref.ref(word_embeddings(small, colors))
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


def test_a_region_that_the_model_did_not_see_has_no_words(clip: gw.ClipModel) -> None:
    wide = Image.new("RGB", (400, 100))
    explainer = gw.Explainer(clip, fit="crop")
    colors = gw.vocabularies()["colors"]
    with pytest.warns(RegionWarning, match=r"did not see.*\(150, 0, 250, 100\)"):
        assert explainer.classify_region(wide, (0, 0, 20, 100), colors) == []
    with pytest.warns(RegionWarning, match="did not see"):
        assert explainer.vocabulary_maps(wide, colors).rank((0, 0, 20, 100)) == []
    with pytest.raises(ValueError, match=r"\(0.1, 0.2, 0.5, 0.6\).*fractions"):
        explainer.classify_region(wide, (0.1, 0.2, 0.5, 0.6), colors)
    assert len(explainer.classify_region(wide, (180, 0, 220, 100), colors, count=3)) == 3
