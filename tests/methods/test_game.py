"""GAME, compared with the authors' update of the relevance matrix, computed on the models' modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.game import Game

from ..clip import invariants as check
from . import by_hand, families

BY_HAND = ["open_clip", "timm", "siglip", "averaged"]
OTHERS = ["relative", "registers-left-out", "clipa"]  # a bias, a head without some rows, a mean
TEXTS = F.normalize(check.random(3, check.EMBEDDING, seed=2), dim=-1)


def game(clip: gw.ClipModel, **options: Any) -> Game:
    method = Game(**options)
    method.bind(clip)
    return method


def image_maps(
    clip: gw.ClipModel, directions: Tensor, progress: Any = None, **options: Any
) -> Tensor:
    more = [] if progress is None else [progress]
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        return game(clip, **options).image_maps(trace, directions, *more)


def text_trace(clip: gw.ClipModel) -> Any:
    ids = clip.tokenizer.add_special_tokens(clip.tokenizer.encode(families.CAPTION))
    return clip.text_tower.run([ids], 1)[1]


def formula(run: by_hand.Pass, other: Tensor, scale: float, first: int | None = None) -> Tensor:
    """The relevance of the explained tokens, from the whole matrix; ``None`` is the last layer alone."""
    x, head = run.embed(run.leaving[-1])
    layers = run.weights if head is None else [*run.weights, head]
    slopes = torch.autograd.grad(scale * x @ other, layers, retain_graph=True)
    parts = [(a * g).clamp(min=0).mean(0) for a, g in zip(layers, slopes, strict=True)]
    parts = parts[len(parts) - 1 if first is None else first :]
    matrix = torch.eye(len(run.leaving[-1]))
    for part in parts if head is None else parts[:-1]:
        matrix = matrix + part @ matrix
    if head is not None:
        return (parts[-1] @ matrix)[0, run.explained]
    return (run.pooled @ matrix - run.pooled)[run.explained]


@pytest.mark.parametrize(("start", "first"), [(-1, None), (0, 0), (1, 1)])
@pytest.mark.parametrize("name", BY_HAND)
def test_patches_have_the_authors_relevance(name: str, start: int, first: int | None) -> None:
    clip = check.wrap(families.model(name))
    run = by_hand.image(clip.model, families.pixels(clip))
    maps = image_maps(clip, TEXTS, start_layer=start)
    for row, text in zip(maps, TEXTS, strict=True):
        check.close(row, formula(run, text, clip.logit_scale, first), 1e-4)


@pytest.mark.parametrize(("start", "first"), [(-1, None), (0, 0), (2, 2)])
def test_words_have_the_authors_relevance(start: int, first: int | None) -> None:
    clip = check.wrap(families.model("open_clip"))
    run = by_hand.text(clip.model, check.simple_tokenizer()([families.CAPTION]))
    expected = formula(run, TEXTS[0], clip.logit_scale, first)
    with clip.inference_context():
        trace = text_trace(clip)
        attributions = game(clip, start_layer_text=start).token_attributions(trace, TEXTS[0])
    check.close(attributions.of_score(TEXTS[0], freeze_norms=True), expected, 1e-4)
    check.close(attributions.embedding, expected[:, None] * trace.embedding, 1e-4)


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_the_last_layer_can_be_chosen_by_its_number(name: str) -> None:
    clip = check.wrap(families.model(name))
    last = {"open_clip": 2, "siglip": 2, "averaged": 1}[name]
    assert torch.equal(image_maps(clip, TEXTS, start_layer=last), image_maps(clip, TEXTS))


def test_maps_are_scaled_by_the_length_of_their_direction() -> None:
    clip = check.wrap(families.model("open_clip"))
    several = torch.stack([TEXTS[0], 0 * TEXTS[0], 2.5 * TEXTS[0]])
    one, zero, longer = image_maps(clip, several, start_layer=0)
    assert not zero.any()
    check.close(longer, 2.5 * one)


@pytest.mark.parametrize("name", ["open_clip", "siglip"])
def test_batches_of_texts_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = check.wrap(families.model(name))
    together = image_maps(clip, TEXTS, start_layer=0)
    monkeypatch.setattr("gradeclip_widget.methods.game._SLOPES", 1)
    check.close(image_maps(clip, TEXTS, start_layer=0), together)


def test_progress_is_reported_and_can_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = check.wrap(families.model("open_clip"))
    monkeypatch.setattr("gradeclip_widget.methods.game._SLOPES", 1)
    families.check_stops(lambda report: image_maps(clip, TEXTS, report), clip, 3, 1)


@pytest.mark.parametrize(("start", "first"), [(-1, None), (0, 0)])
@pytest.mark.parametrize("name", OTHERS)
def test_other_families_have_the_relevance_of_the_whole_matrix(
    name: str, start: int, first: int | None
) -> None:
    clip = check.wrap(families.model(name))
    run = by_hand.any_image(clip, families.pixels(clip))
    (row,) = image_maps(clip, TEXTS[:1], start_layer=start)
    check.close(row, formula(run, TEXTS[0], clip.logit_scale, first), 1e-4)


@pytest.mark.parametrize("start", [-1, 0])
@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_patches_the_same(name: str, start: int) -> None:
    families.check_narrow(name, "game", start_layer=start)


@pytest.mark.parametrize("name", families.OTHERS)
def test_other_towers_are_refused(name: str) -> None:
    families.check_refuses_others(name, "game")


def test_a_text_tower_of_unknown_blocks_has_attributions_of_grad_eclip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    families.check_unknown_text("game", monkeypatch)


def test_attributions_without_a_picture_are_refused() -> None:
    clip = check.wrap(families.model("open_clip"))
    with (
        clip.inference_context(),
        pytest.raises(ValueError, match="image"),
    ):
        game(clip).token_attributions(text_trace(clip))


@pytest.mark.parametrize(("name", "layers"), [("open_clip", 3), ("siglip", 3), ("averaged", 2)])
def test_a_layer_that_does_not_exist_is_refused(name: str, layers: int) -> None:
    clip = check.wrap(families.model(name))
    message = f"start_layer={layers}.* layers 0 to {layers - 1}"
    with pytest.raises(ValueError, match=message):
        image_maps(clip, TEXTS, start_layer=layers)


@pytest.mark.parametrize("option", ["start_layer", "start_layer_text"])
@pytest.mark.parametrize("value", ["last", 1.5, True])
def test_a_layer_must_be_a_whole_number(option: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{option}=.*whole number"):
        Game(**{option: value})


def test_maps_of_words_alone_are_high_on_their_objects(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "game")(scene.image, scene.caption)
    for word in ("dog", "circle"):
        assert families.contrast(e, scene, word, "alone") > 1


def test_words_in_a_caption_have_the_captions_map(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "game")(scene.image, scene.caption)
    whole, maps = e.signed_map / e.signed_map.sum(), [e.raw_map(n) for n in range(len(e.words))]
    shares = [values / values.sum() for values in maps if values.any()]
    assert len(shares) > 1
    for values in shares:
        np.testing.assert_allclose(values, whole, atol=1e-6)
