"""Scores of unrelated sentences, and the cache of their embeddings."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.core.match import MATCHES, rank_among
from gradeclip_widget.demo import Scene, sample_scene
from gradeclip_widget.explain import unrelated
from gradeclip_widget.explain.unrelated import are_embedded, unrelated_sentences


@pytest.fixture
def fresh(clip: gw.ClipModel) -> gw.ClipModel:
    """A model whose sentences were not encoded yet."""
    return copy.deepcopy(clip)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(unrelated, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "gradeclip-widget"


@pytest.mark.parametrize("drawings", [False, True])
def test_there_are_200_different_sentences(drawings: bool) -> None:
    sentences = unrelated_sentences(drawings)
    assert len(set(sentences)) == len(sentences) == 200


def test_the_embedded_model_knows_all_words_of_its_sentences(clip: gw.ClipModel) -> None:
    tokens = clip.tokens(unrelated_sentences(drawings=True))
    assert all(word.known for one in tokens for word in one.words)


def test_the_scores_equal_those_of_the_sentences_alone(
    explainer: gw.Explainer, scene: Scene
) -> None:
    expected = explainer.scores(scene.image, unrelated_sentences(drawings=True))
    scores = explainer.unrelated_scores(scene.image, "a")
    np.testing.assert_allclose(scores, np.sort(expected), atol=1e-5)


def test_sentences_that_share_a_word_with_the_caption_are_left_out(
    explainer: gw.Explainer, scene: Scene
) -> None:
    named = [s for s in unrelated_sentences(drawings=True) if "dog" in s.split()]
    assert named
    scores = explainer.unrelated_scores(scene.image, "A DOG and a tyrannosaur")
    assert len(scores) == 200 - len(named)


def test_a_true_caption_scores_higher_and_a_false_one_does_not(
    explainer: gw.Explainer,
) -> None:
    for seed in range(640_000, 640_010):
        scene = sample_scene(seed, objects=["dog", "red circle"])
        encoded = explainer.encode(scene.image)
        for caption, matches in (("a dog and a red circle", True), ("a tree and a bus", False)):
            score = explainer(encoded, caption).score
            rank = rank_among(score, explainer.unrelated_scores(encoded, caption))
            assert (rank >= MATCHES) == matches, (seed, caption, rank)


def test_sentences_are_encoded_once_in_small_pieces(fresh: gw.ClipModel, scene: Scene) -> None:
    explainer, reports = gw.Explainer(fresh), []
    encoded = explainer.encode(scene.image)
    assert not are_embedded(fresh)
    explainer.unrelated_scores(encoded, "a dog", lambda *step: reports.append(step))
    assert len(reports) > 20
    assert {step[0] for step in reports} == {"unrelated sentences"}
    assert are_embedded(fresh)
    reports.clear()
    explainer.unrelated_scores(encoded, "a cat", lambda *step: reports.append(step))
    assert reports == []


def test_interrupted_work_is_continued(fresh: gw.ClipModel, scene: Scene) -> None:
    explainer = gw.Explainer(fresh)
    encoded = explainer.encode(scene.image)

    def end(stage: str, done: int, total: int | None) -> None:
        if done >= 80:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        explainer.unrelated_scores(encoded, "a dog", end)
    begun: list[int] = []
    scores = explainer.unrelated_scores(encoded, "a", lambda _, done, __: begun.append(done))
    assert begun[0] == 80
    whole = gw.Explainer(copy.deepcopy(fresh)).unrelated_scores(scene.image, "a")
    np.testing.assert_allclose(scores, whole, atol=1e-6)


def test_a_model_with_the_same_weights_reads_the_cache_file(
    fresh: gw.ClipModel, scene: Scene, folder: Path
) -> None:
    first = gw.Explainer(fresh).unrelated_scores(scene.image, "a dog")
    (file,) = folder.glob("*.safetensors")
    reports: list[str] = []
    another = gw.Explainer(copy.deepcopy(fresh))
    scores = another.unrelated_scores(
        another.encode(scene.image), "a dog", lambda *s: reports.append(s)
    )
    np.testing.assert_array_equal(scores, first)
    assert reports == []
    assert list(folder.iterdir()) == [file]


def test_a_changed_model_encodes_the_sentences_again(
    fresh: gw.ClipModel, scene: Scene, folder: Path
) -> None:
    explainer = gw.Explainer(fresh)
    before = explainer.unrelated_scores(scene.image, "a dog")
    with torch.no_grad():
        fresh.model.text_projection.mul_(torch.linspace(0.5, 1.5, 256))
    after = explainer.unrelated_scores(scene.image, "a dog")
    assert np.abs(after - before).max() > 1e-3
    assert len(list(folder.glob("*.safetensors"))) == 2


def test_a_damaged_cache_file_is_written_again(
    fresh: gw.ClipModel, scene: Scene, folder: Path
) -> None:
    expected = gw.Explainer(fresh).unrelated_scores(scene.image, "a dog")
    (file,) = folder.glob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    again = gw.Explainer(copy.deepcopy(fresh)).unrelated_scores(scene.image, "a dog")
    np.testing.assert_allclose(again, expected, atol=1e-6)
    assert file.read_bytes() == whole


def test_a_cache_folder_without_write_permission_is_ignored(
    fresh: gw.ClipModel, scene: Scene, folder: Path
) -> None:
    folder.write_text("a file where the folder would be")
    assert len(gw.Explainer(fresh).unrelated_scores(scene.image, "a dog")) > 150


def test_two_threads_encode_the_sentences_once(fresh: gw.ClipModel, scene: Scene) -> None:
    explainer = gw.Explainer(fresh)
    encoded = explainer.encode(scene.image)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(explainer.unrelated_scores, encoded, "a") for _ in range(4)]
        assert [len(one.result()) for one in futures] == [200] * 4


def test_other_threads_can_use_the_model_between_pieces(fresh: gw.ClipModel, scene: Scene) -> None:
    explainer, between = gw.Explainer(fresh), []
    encoded = explainer.encode(scene.image)

    def use_it_elsewhere(stage: str, done: int, total: int | None) -> None:
        if done == 80:
            with ThreadPoolExecutor(1) as pool:
                future = pool.submit(explainer, encoded, "a dog")
                between.append(future.result(timeout=60).caption)

    explainer.unrelated_scores(encoded, "a cat", use_it_elsewhere)
    assert between == ["a dog"]
