"""Pictures that are traced together give what each gives alone, in every family of towers that can."""

from __future__ import annotations

import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.methods import METHODS, get_method

from ...methods.families import OTHERS, TRANSFORMERS, model
from .. import invariants as check

BATCHED = sorted(method.name for method in METHODS if method.has_batches)
WITHOUT_QUERY = ("averaged", "averaged-after-norm", "clipa")


def test_methods_that_map_batches() -> None:
    assert BATCHED == ["grad-eclip", "grad-eclip-without-lambda"]


@pytest.mark.parametrize("name", [n for n in TRANSFORMERS if n not in WITHOUT_QUERY])
def test_every_picture_gets_its_own_embedding_and_maps(name: str) -> None:
    clip = check.wrap(model(name))
    tower = clip.image_tower
    assert tower.has_batches
    pixels = check.picture(*tower.image_size, count=3)
    with clip.inference_context():
        batch = tower.trace_batch(pixels)
        directions = check.random(3, 4, batch.embedding.shape[1], seed=5)
        for method in map(get_method, BATCHED):
            maps = method.batch_maps(batch, directions)
            for n in range(3):
                trace = tower.trace(pixels[n : n + 1], contributions=False)
                assert trace.grid == batch.grid
                check.close(batch.embedding[n], trace.embedding)
                check.close(maps[n], method.image_maps(trace, directions[n]))


@pytest.mark.parametrize("name", [*WITHOUT_QUERY, *OTHERS])
def test_other_towers_say_that_they_cannot(name: str) -> None:
    tower = check.wrap(model(name)).image_tower
    assert not tower.has_batches
    with pytest.raises(ValueError, match=r"this model's image tower .* (no query|no transformer)"):
        tower.trace_batch(check.picture(*tower.image_size, count=2))


def test_other_methods_say_that_they_cannot(wrapped: gw.ClipModel) -> None:
    batch = wrapped.image_tower.trace_batch(torch.zeros(2, 3, 96, 96))
    with pytest.raises(NotImplementedError, match="'grad-cam' maps one picture at a time"):
        get_method("grad-cam").batch_maps(batch, batch.embedding[:, None])
