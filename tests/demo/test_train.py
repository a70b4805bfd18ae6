"""The recipe, two tiny steps of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gradeclip_widget.demo import model as demo
from gradeclip_widget.demo.batches import SceneBatches, Stage, locate, vocabulary_ids
from gradeclip_widget.demo.sprites import PACK, shipped
from gradeclip_widget.demo.towers import encode_images, encode_texts, resized_positions
from gradeclip_widget.demo.train import Training, contrast, train
from gradeclip_widget.demo.vocabulary import SEEN_STYLES

TINY = (Stage(1, 64, 0.5, 6, (1e-3, 1e-3)), Stage(1, 96, 1.0, 6, (1e-3, 1e-4)))


def test_a_resumed_run_reaches_the_same_weights(tmp_path: Path) -> None:
    train(tmp_path / "whole", [PACK], TINY, seed=3, workers=0)
    train(tmp_path / "parts", [PACK], TINY[:1], seed=3, workers=0)
    train(tmp_path / "parts", [PACK], TINY, seed=3, workers=0)
    whole, parts = (
        torch.load(tmp_path / name / "checkpoint.pt")["model"] for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_what_training_writes_can_ship(tmp_path: Path) -> None:
    train(tmp_path, [PACK], TINY, workers=0)
    clip = demo.build(tmp_path / "weights.safetensors")
    assert clip.encode_text(demo.tokenizer()(["a dog"])).isfinite().all()


def test_fast_towers_compute_what_the_model_computes() -> None:
    clip = demo.build().double()
    images = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    texts = ["a dog", "a photo of two apples next to a red circle", "a cat left of a star"]
    tokens = demo.tokenizer()(texts)
    normalise = demo.preprocess().transforms[-1]
    pixels = torch.stack([normalise(image.permute(2, 0, 1) / 255) for image in images]).double()
    with torch.no_grad():
        exact = clip.encode_image(pixels, normalize=True), clip.encode_text(tokens, normalize=True)
        clip.float()
        with torch.autocast("cpu", torch.bfloat16):
            fast = encode_images(clip, images), encode_texts(clip, tokens)
    for one, other in zip(exact, fast, strict=True):
        assert (one - other).norm(dim=1).max() < 0.03  # bfloat16


def test_dropped_patches_change_little() -> None:
    clip = demo.build()
    stage = Stage(1, 224, 0.7, 6, (1e-3, 1e-3))
    batch = SceneBatches(shipped(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole = encode_images(clip, batch.images)
        part = encode_images(clip, batch.images, batch.kept)
    assert 0.5 < (whole * part).sum(dim=1).mean() < 0.9999


def test_a_batch_can_be_asked_for_again() -> None:
    data = SceneBatches(shipped(), SEEN_STYLES, TINY, vocabulary_ids(), seed=5)
    one, again, other = data[0], data[0], data[1]
    assert torch.equal(one.images, again.images)
    assert torch.equal(one.tokens, again.tokens)
    assert one.images.shape != other.images.shape


def test_a_picture_is_never_told_from_a_caption_that_may_be_true_of_it() -> None:
    stage = Stage(1, 64, 1.0, 60, (1e-3, 1e-3))
    batch = SceneBatches(shipped(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    own = torch.arange(60)
    assert not batch.ignored[own, own].any()
    assert not batch.ignored[own, own + 60].any()
    assert 0 < batch.ignored.float().mean() < 0.2


def test_the_loss_falls_where_partners_match() -> None:
    ignored = torch.zeros(4, 6, dtype=torch.bool)
    matched, _ = contrast(20 * torch.eye(4, 6), ignored)
    wrong, found = contrast(20 * torch.eye(4, 6).roll(1, 0), ignored)
    assert matched < 1e-3 < 5 < wrong
    assert found == 0


def test_ignored_pairs_cost_nothing() -> None:
    logits = torch.eye(3, 5) * 9
    logits[0, 4] = 9
    ignored = torch.zeros(3, 5, dtype=torch.bool)
    counted, _ = contrast(logits, ignored)
    ignored[0, 4] = True
    assert contrast(logits, ignored)[0] < counted


def test_positions_stretch_with_the_grid() -> None:
    embedding = torch.cat([torch.full((1, 2), 7.0), torch.arange(16.0).repeat(2, 1).T])
    wide = resized_positions(embedding, 8, 8)
    assert wide.shape == (65, 2)
    assert (wide[0] == 7).all()
    assert wide[1:, 0].view(8, 8).diff(dim=1).min() > 0


def test_steps_know_their_stage() -> None:
    assert locate(TINY, 0) == (TINY[0], 0.0)
    assert locate(TINY, 1) == (TINY[1], 0.0)
    with pytest.raises(ValueError, match="training ends"):
        locate(TINY, 2)


def test_training_has_a_row_for_every_word_of_the_world() -> None:
    rows = len(Training(None).ids)
    tokens = demo.tokenizer()(["a drawing of three red triangles beside two mice"]).numpy()
    assert np.isin(tokens, vocabulary_ids()).all()
    assert rows == len(vocabulary_ids())
