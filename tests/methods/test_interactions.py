"""The interaction matrix adds up, whatever the model's weights and the caption."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2

import gradeclip_widget as gw
from gradeclip_widget.methods.grad_eclip import GradEclip

from ..clip.conftest import small_clip

WORDS = [
    "a",
    "red",
    "car",
    "dog",
    "well-fed",
    "isn't",
    "aardvarks",
    "🐶",
    "狗",
    "and",
    "traffic",
    ",",
]
captions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
slow = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def clips() -> list[gw.ClipModel]:
    preprocess = image_transform_v2(PreprocessCfg(size=(96, 96)), is_train=False)
    tokenizer = open_clip.SimpleTokenizer()
    return [gw.ClipModel(small_clip(seed).double(), preprocess, tokenizer) for seed in (0, 1)]


def pixels(seed: int) -> torch.Tensor:
    return torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(seed))


@slow
@given(
    caption=captions.filter(lambda c: c.strip(", ")),
    seed=st.integers(0, 99),
    image_layers=st.integers(1, 3),
    text_layers=st.integers(1, 4),
)
def test_rows_sum_to_the_map_along_the_summed_direction(
    clips: list[gw.ClipModel], caption: str, seed: int, image_layers: int, text_layers: int
) -> None:
    clip = clips[seed % 2]
    explainer = gw.Explainer(clip, image_layers=image_layers, text_layers=text_layers)
    e = explainer(pixels(seed), caption)
    with clip.inference_context():
        _, text = clip.text_tower.run(
            [clip.tokenizer.add_special_tokens(clip.tokenizer.encode(caption))], text_layers
        )
        summed = GradEclip().token_attributions(text).embedding.sum(0, keepdim=True)
        trace = clip.image_tower.trace(pixels(seed), image_layers)
        along = GradEclip().image_maps(trace, summed).reshape(e.patch_grid).numpy()
    scale = np.abs(e.interactions).max()
    np.testing.assert_allclose(
        e.interactions.sum(0), along, atol=1e-5 * max(scale, np.abs(along).max())
    )


@slow
@given(caption=captions.filter(lambda c: c.strip(", ")), seed=st.integers(0, 99))
def test_word_rows_are_sums_of_their_tokens_rows(
    clips: list[gw.ClipModel], caption: str, seed: int
) -> None:
    e = gw.Explainer(clips[seed % 2])(pixels(seed), caption)
    for n, word in enumerate(e.words):
        rows = e.interactions[list(word.tokens)].sum(0)
        np.testing.assert_allclose(e.raw_map(n), rows, rtol=1e-6)
    taken = [t for w in e.words for t in w.tokens]
    assert len(taken) == len(set(taken))


def test_left_out_maps_run_along_what_the_score_loses(clips: list[gw.ClipModel]) -> None:
    clip = clips[0]
    e = gw.Explainer(clip)(pixels(3), "a red car and a dog")
    without = gw.Explainer(clip)(pixels(3), "a car and a dog")
    with clip.inference_context():
        ids = [
            clip.tokenizer.add_special_tokens(clip.tokenizer.encode(c))
            for c in (e.caption, without.caption)
        ]
        t, t_without = clip.text_tower.run(ids, 1)[0]
        trace = clip.image_tower.trace(pixels(3))
        along = GradEclip().image_maps(trace, (t - t_without)[None]).reshape(e.patch_grid).numpy()
        loss = float((t - t_without) @ trace.embedding)
    np.testing.assert_allclose(e.raw_map("red", "left out"), along, atol=1e-5 * np.abs(along).max())
    assert loss == pytest.approx(e.score - without.score, abs=1e-5)


def test_alone_maps_run_along_the_word_alone(clips: list[gw.ClipModel]) -> None:
    explainer = gw.Explainer(clips[0])
    e = explainer(pixels(4), "dogs chase a car")
    alone = explainer(pixels(4), "car")
    np.testing.assert_allclose(
        e.raw_map("car", "alone"), alone.signed_map, atol=1e-5 * np.abs(alone.signed_map).max()
    )


def test_token_importance_does_not_depend_on_padding(clips: list[gw.ClipModel]) -> None:
    """By default lambda runs over real tokens; the authors' runs over padding too."""
    clip = clips[0]
    ids = clip.tokenizer.add_special_tokens(clip.tokenizer.encode("a dog in a car"))
    x = torch.randn(48, generator=torch.Generator().manual_seed(8))
    with clip.inference_context():
        _, packed = clip.text_tower.run([ids], 4)
        padded = clip.text_tower.trace(ids, 4)
        ours = [GradEclip().token_attributions(trace).embedding @ x for trace in (packed, padded)]
        theirs = GradEclip(reference=True).token_attributions(padded).embedding @ x
    torch.testing.assert_close(ours[0], ours[1], rtol=1e-4, atol=1e-5 * float(ours[0].abs().max()))
    assert not torch.allclose(ours[0], theirs, rtol=1e-2)


def test_reference_sums_rectified_blocks() -> None:
    clip = gw.ClipModel(
        small_clip(), image_transform_v2(PreprocessCfg(size=(96, 96)), is_train=False),
        open_clip.SimpleTokenizer(),
    )  # fmt: skip
    e = gw.Explainer(clip, reference=True, image_layers=2)(pixels(5), "a dog")
    assert e.reference
    assert e.signed_map.min() >= 0


def test_an_unknown_method_names_the_nearest(clips: list[gw.ClipModel]) -> None:
    with pytest.raises(ValueError, match="did you mean 'grad-eclip'"):
        gw.Explainer(clips[0], "gradeclip")
