"""The recipe, two tiny steps of it."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from gradeclip_widget.demo import model as demo
from gradeclip_widget.demo.sprites import PACK, package_artwork
from gradeclip_widget.demo.world import SEEN_STYLES
from training.average import average
from training.batches import FUNCTION_WORDS, PHRASES, SceneBatches, _terse, vocabulary_ids
from training.fast_towers import encode_images, encode_texts
from training.losses import contrast, contrast_many
from training.muon import Muon, orthogonal
from training.recipes import Stage, locate
from training.train import Training, train

TINY = (
    Stage(1, (64,), 6, 4, (1e-3, 1e-3), (40,)),
    Stage(1, (96,), 6, 4, (1e-3, 1e-4), (48,), shape_names=0.5),
)


def test_a_resumed_run_reaches_the_same_weights(tmp_path: Path) -> None:
    train(tmp_path / "whole", [PACK], TINY, seed=3, workers=0)
    train(tmp_path / "parts", [PACK], TINY[:1], seed=3, workers=0)
    train(tmp_path / "parts", [PACK], TINY, seed=3, workers=0)
    whole, parts = (
        torch.load(tmp_path / name / "checkpoint.pt")["model"] for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_training_writes_its_mean_weights(tmp_path: Path) -> None:
    train(tmp_path, [PACK], TINY, workers=0)
    weights = demo.build(tmp_path / "weights.safetensors").visual.trunk.head.weight
    mean = torch.load(tmp_path / "checkpoint.pt")["mean"]["visual.trunk.head.weight"]
    assert (weights - mean).abs().max() < 1e-3
    assert not torch.equal(weights, demo.build().visual.trunk.head.weight)


def test_training_can_start_from_the_packages_weights() -> None:
    begun = Training(demo.WEIGHTS)
    image = torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8)
    with torch.no_grad():
        known, ours = (encode_images(m.eval(), image) for m in (demo.build(), begun.model))
    assert (known - ours).norm(dim=1).max() < 1e-4


def test_the_average_of_two_weights_is_between_them(tmp_path: Path) -> None:
    train(tmp_path, [PACK], TINY, workers=0, start=demo.WEIGHTS)
    scenes = torch.randint(0, 256, (4, 112, 112, 3), dtype=torch.uint8)
    average(demo.WEIGHTS, tmp_path / "weights.safetensors", scenes, tmp_path / "mean.safetensors")
    names = ("weights.safetensors", "mean.safetensors")
    heads = [
        m.visual.trunk.head.weight
        for m in (demo.build(), *map(demo.build, map(tmp_path.joinpath, names)))
    ]
    assert (heads[2] - (heads[0] + heads[1]) / 2).abs().max() < 1e-3
    assert not torch.equal(heads[0], heads[2])


def test_fast_towers_compute_what_the_model_computes() -> None:
    clip = demo.build().double()
    images = torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8)
    texts = ["a dog", "a photo of two apples next to a red circle", "a cat left of a star"]
    tokens = demo.tokenizer()(texts)
    normalize = demo.preprocess().transforms[-1]
    pixels = torch.stack([normalize(image.permute(2, 0, 1) / 255) for image in images]).double()
    with torch.no_grad():
        exact = clip.encode_image(pixels, normalize=True), clip.encode_text(tokens, normalize=True)
        clip.float()
        fast = encode_images(clip, images), encode_texts(clip, tokens)
    for one, other in zip(exact, fast, strict=True):
        assert (one - other).norm(dim=1).max() < 1e-4


def test_a_batch_can_be_repeated() -> None:
    data = SceneBatches(package_artwork(), SEEN_STYLES, TINY, vocabulary_ids(), seed=5)
    one, again, other = data[0], data[0], data[1]
    assert torch.equal(one.scenes, again.scenes)
    assert torch.equal(one.close_ups, again.close_ups)
    assert torch.equal(one.tokens, again.tokens)
    assert one.scenes.shape != other.scenes.shape


def test_pictures_equal_those_of_the_original_training() -> None:
    stage = Stage(1, (64,), 1, 12, (1e-3, 1e-3), (64,), variety=0.0)
    shown = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0].close_ups
    quarters = shown.float().unflatten(1, (2, 32)).unflatten(3, (2, 32)).mean((2, 4, 5))
    # Recorded with the code and the artwork of that training.
    then = torch.tensor(
        [
            *([107, 106, 121, 120], [174, 154, 156, 172], [183, 177, 180, 177]),
            *([153, 167, 152, 155], [171, 157, 175, 162], [124, 121, 116, 117]),
            *([102, 88, 120, 106], [135, 117, 140, 138], [141, 131, 175, 160]),
            *([133, 132, 128, 126], [216, 203, 207, 214], [151, 142, 183, 174]),
        ]
    )
    assert (quarters.flatten(1) - then).abs().max() < 1


def test_a_caption_that_may_be_true_is_not_a_negative() -> None:
    stage = Stage(1, (64,), 60, 1, (1e-3, 1e-3))
    batch = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    own = torch.arange(60)
    assert not batch.ignored[own, own].any()
    assert not batch.ignored[own, own + 60].any()
    assert 0 < batch.ignored.float().mean() < 0.2


def test_a_caption_may_have_several_negatives() -> None:
    stage = Stage(1, (64,), 30, 1, (1e-3, 1e-3), worse=3, shorter=0.5)
    batch = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    own = torch.arange(30)
    assert batch.ignored.shape == (30, 4 * 30)
    assert len(batch.tokens) == 4 * 30 + len(PHRASES)
    assert not any(batch.ignored[own, own + 30 * k].any() for k in range(4))
    assert not torch.equal(batch.tokens[30:60], batch.tokens[60:90])


def test_a_stage_may_set_the_number_of_things() -> None:
    stage = Stage(1, (64,), 40, 1, (1e-3, 1e-3), shapes=0.0, counts=(0, 0, 0, 1))
    batch = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    assert batch.in_scene.sum(dim=1).float().mean() > 3


def test_a_picture_has_the_names_of_all_its_things() -> None:
    stage = Stage(1, (64,), 30, 20, (1e-3, 1e-3))
    batch = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    assert batch.in_scene.shape == (30, len(PHRASES))
    assert batch.in_scene.sum(dim=1).min() >= 1
    assert batch.in_scene.sum(dim=1).max() <= 4
    assert len(batch.tokens) == 60 + len(PHRASES)


def test_the_loss_is_lower_for_matching_pairs() -> None:
    ignored = torch.zeros(4, 6, dtype=torch.bool)
    matched, _ = contrast(20 * torch.eye(4, 6), ignored)
    wrong, accuracy = contrast(20 * torch.eye(4, 6).roll(1, 0), ignored)
    assert matched < 1e-3 < 5 < wrong
    assert accuracy == 0


def test_ignored_pairs_cost_nothing() -> None:
    logits = torch.eye(3, 5) * 9
    logits[0, 4] = 9
    ignored = torch.zeros(3, 5, dtype=torch.bool)
    counted, _ = contrast(logits, ignored)
    ignored[0, 4] = True
    assert contrast(logits, ignored)[0] < counted


def test_partners_of_one_picture_do_not_compete() -> None:
    named = torch.tensor([[True, True, False], [False, False, True]])
    both = contrast_many(torch.tensor([[20.0, 20, 0], [0, 0, 20]]), named)
    one = contrast_many(torch.tensor([[20.0, 0, 0], [0, 0, 20]]), named)
    assert both < 1e-3 < one


def test_an_orthogonal_update_has_singular_values_near_one() -> None:
    for shape in ((3, 16, 16), (2, 40, 10), (2, 10, 40)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_queries_keys_and_values_are_updated_separately() -> None:
    weight = torch.nn.Parameter(torch.zeros(12, 4))
    weight.grad = torch.cat([torch.randn(4, 4), 100 * torch.randn(4, 4), torch.randn(4, 4)])
    Muon([weight], lr=1.0, weight_decay=0.0).step()
    sizes = [part.norm() for part in weight.detach().chunk(3)]
    assert max(sizes) < 1.5 * min(sizes)


def test_a_close_up_shows_one_thing_that_fills_it() -> None:
    stage = Stage(1, (64,), 1, 20, (1e-3, 1e-3), (48,))
    batch = SceneBatches(package_artwork(), SEEN_STYLES, (stage,), vocabulary_ids(), 0)[0]
    assert batch.close_ups.shape == (20, 48, 48, 3)
    assert batch.in_close_up.sum(dim=1).tolist() == [1] * 20


def test_terse_captions_keep_their_nouns() -> None:
    rng = Random(0)
    caption = "a photo of a red circle, two dogs and a tree on a blue background"
    terse = {_terse(caption, rng, 1.0) for _ in range(50)}
    assert {_terse(caption, rng, 0.0)} == {caption}
    assert len(terse) > 20
    for text in terse:
        kept = [word for word in text.split() if word not in FUNCTION_WORDS]
        assert kept == "red circle, two dogs tree blue".split()


def test_statistics_of_the_mean_weights_are_measured_on_scenes() -> None:
    training = Training(None)
    scenes = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    state = training.calibrated(scenes)
    model = copy.deepcopy(training.model)
    with torch.no_grad():
        as_trained = encode_images(model, scenes)
        model.load_state_dict(state)
        as_shipped = encode_images(model.eval(), scenes)
    assert (as_trained - as_shipped).norm(dim=1).max() < 0.05


def test_steps_know_their_stage() -> None:
    assert locate(TINY, 0) == (TINY[0], 0.0)
    assert locate(TINY, 1) == (TINY[1], 0.0)
    with pytest.raises(ValueError, match="training ends"):
        locate(TINY, 2)


def test_training_has_a_row_for_every_word_of_the_world() -> None:
    rows = len(Training(None).ids)
    tokens = demo.tokenizer()(["a drawing of three red triangles beside two foxes"]).numpy()
    assert np.isin(tokens, vocabulary_ids()).all()
    assert rows == len(vocabulary_ids())
