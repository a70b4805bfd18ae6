"""M2IB: the information that a bottleneck lets through, against the formula in plain autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.m2ib import M2ib

from ..clip import invariants as check
from ..clip.conftest import CAPTION, small_clip
from ..clip.image_towers import test_attention_pooling as pooled
from ..clip.image_towers import test_feature_map as averaged
from ..clip.image_towers import test_timm_class_token as class_token
from ..clip.text_towers import test_huggingface_first_token as hugging_face

TEXTS = F.normalize(check.random(3, check.EMBEDDING, seed=4), dim=-1)
FAMILIES: dict[str, Callable[[], Any]] = {
    "class token": small_clip,
    "eva": lambda: check.with_tower(class_token.FAMILIES["eva02"]()),
    "relative": lambda: check.with_tower(class_token.FAMILIES["relative"]()),
    "siglip": lambda: check.with_tower(pooled.siglip()),
    "averaged": lambda: check.with_tower(averaged.vit()),
}


@pytest.fixture(scope="module")
def model() -> Any:
    return small_clip()


@pytest.fixture(scope="module")
def small(model: Any) -> gw.ClipModel:
    return check.wrap(model)


def image_maps(
    clip: gw.ClipModel, directions: Tensor, progress: Any = None, **options: Any
) -> Tensor:
    more = [] if progress is None else [progress]
    with clip.inference_context():
        trace = clip.image_tower.trace(check.picture(*clip.image_tower.image_size))
        return M2ib(**options).image_maps(trace, directions, *more)


def relevance(clip: gw.ClipModel, image: Tensor | None, **options: Any) -> Tensor:
    ids = clip.tokenizer.add_special_tokens(clip.tokenizer.encode(CAPTION))
    with clip.inference_context():
        _, trace = clip.text_tower.run([ids], 1)
        return M2ib(**options).token_attributions(trace, image).of_score(image, freeze_norms=True)


def optimized(
    rows: Tensor, embedding_of: Callable[[Tensor], Tensor], target: Tensor, steps: int
) -> Tensor:
    """The information (N,) of each row: the loss as the paper has it, one sample after the other."""
    alpha = torch.full_like(rows, 5.0).requires_grad_()
    adam = torch.optim.Adam([alpha], lr=1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        passing = torch.sigmoid(alpha)
        variance = (1 - passing) ** 2
        kl = -0.5 * (1 + torch.log(variance) - (passing * rows) ** 2 - variance)
        information = kl.sum(-1).detach()
        cosines = [
            F.cosine_similarity(embedding_of(passing * rows + (1 - passing) * eps), target, dim=0)
            for eps in torch.randn(10, *rows.shape, generator=generator)
        ]
        adam.zero_grad()
        (0.1 * kl.mean() - torch.stack(cosines).mean()).backward(inputs=[alpha])
        adam.step()
    return information


def test_image_maps_are_the_papers(model: Any, small: gw.ClipModel) -> None:
    visual = model.visual

    def embedding_of(rows: Tensor) -> Tensor:
        rows = visual.transformer.resblocks[2](rows[None])
        return (visual.ln_post(rows[0, 0]) @ visual.proj).float()

    entering = list[Tensor]()
    hook = visual.transformer.resblocks[2].register_forward_pre_hook(
        lambda _, given: entering.append(given[0][0].detach())
    )
    with torch.no_grad():
        model.encode_image(check.picture(96, 96))
    hook.remove()
    expected = torch.stack([optimized(entering[0], embedding_of, t, 10)[1:] for t in TEXTS])
    maps = image_maps(small, TEXTS)
    check.close(maps, expected, 1e-2)  # Adam's first steps take the sign of gradients near zero
    assert np.corrcoef(maps.flatten(), expected.flatten())[0, 1] > 0.9999


def test_text_relevance_is_the_papers_as_fractions(model: Any, small: gw.ClipModel) -> None:
    ids = small.tokenizer.add_special_tokens(small.tokenizer.encode(CAPTION))
    mask, blocks = model.attn_mask[: len(ids), : len(ids)], model.transformer.resblocks

    def run(rows: Tensor, some: Any) -> Tensor:
        for block in some:
            rows = block(rows[None], attn_mask=mask)[0]
        return rows

    def embedding_of(rows: Tensor) -> Tensor:
        return model.ln_final(run(rows, blocks[3:])[-1]) @ model.text_projection

    with torch.no_grad():
        rows = model.token_embedding(torch.tensor(ids)) + model.positional_embedding[: len(ids)]
        rows = run(rows, blocks[:3])
    expected = optimized(rows, embedding_of, TEXTS[0], 10)[1:-1]
    got = relevance(small, TEXTS[0])
    check.close(got, expected / expected.sum(), 1e-2)
    check.close(got.sum(), torch.ones(()))


def test_texts_do_not_influence_each_other(small: gw.ClipModel) -> None:
    together = image_maps(small, TEXTS)
    for text, row in zip(TEXTS, together, strict=True):
        assert torch.equal(image_maps(small, text[None])[0], row)
    assert (together[0] - together[1]).abs().max() > 0.01 * together.max()


def test_maps_are_the_same_bit_for_bit_and_the_global_generator_is_left_alone(
    small: gw.ClipModel,
) -> None:
    before = torch.random.get_rng_state()
    one, again, other = (image_maps(small, TEXTS[:1], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_maps_size_is_that_of_its_direction(small: gw.ClipModel) -> None:
    directions = torch.stack([TEXTS[0], 1e-3 * TEXTS[0], 0 * TEXTS[0]])
    whole, small_one, nothing = image_maps(small, directions)
    assert (whole > 0).all()
    check.close(small_one, 1e-3 * whole)
    assert torch.equal(nothing, torch.zeros_like(whole))


def test_parallel_directions_share_one_optimization(small: gw.ClipModel) -> None:
    told = list[tuple[str, int, int | None]]()
    directions = torch.cat([TEXTS[:2], 0.01 * TEXTS[:1], 0 * TEXTS[:1]])
    image_maps(small, directions, lambda *step: told.append(step))
    steps = list(dict.fromkeys(told))
    assert steps == [("image optimization", done, 18) for done in range(18)]


def test_rows_of_a_captions_tokens_sum_to_the_captions_map(small: gw.ClipModel) -> None:
    e = gw.Explainer(small, "m2ib", readings=False)(check.picture(96, 96), CAPTION)
    np.testing.assert_allclose(e.interactions.sum(0), e.signed_map, rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_towers_with_transformers_have_maps_that_depend_on_the_text(family: str) -> None:
    maps = image_maps(check.wrap(FAMILIES[family]()), TEXTS[:2])
    assert maps.isfinite().all()
    assert (maps > 0).all()
    assert (maps[0] - maps[1]).abs().max() > 0.01 * maps.max()
    assert maps[0].max() > 1.2 * maps[0].min()


@pytest.mark.parametrize("family", ["convnext", "resnet"])
def test_towers_without_transformers_are_refused(family: str) -> None:
    visual = {**averaged.FAMILIES, **pooled.FAMILIES}[family]()
    with pytest.raises(ValueError, match="runs through the blocks of a transformer"):
        gw.Explainer(check.wrap(check.with_tower(visual)), "m2ib")


def test_text_towers_of_unknown_blocks_have_the_attributions_of_grad_eclip() -> None:
    tower = hugging_face.HuggingFaceFirstTokenTower(
        hugging_face.Custom(hugging_face.FAMILIES["bert"]())
    )
    _, trace = tower.run(hugging_face.SEQUENCES[:1], 1, hugging_face.FRAME)
    known = M2ib().token_attributions(trace, TEXTS[0]).of_score(TEXTS[0], freeze_norms=True)
    assert (known > 0).all()
    check.close(known.sum(), torch.ones(()))
    tower.has_transformer = False
    unknown = M2ib().token_attributions(trace, TEXTS[0]).embedding
    assert torch.equal(unknown, GradEclip().token_attributions(trace).embedding)


def test_the_caption_alone_has_no_relevance(small: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match="give the image embedding"):
        relevance(small, None)


def test_work_that_is_stopped_leaves_the_model_as_it_was(model: Any, small: gw.ClipModel) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        if done == 3:
            raise KeyboardInterrupt

    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(KeyboardInterrupt):
        image_maps(small, TEXTS, stop)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_maps_in_lower_precision_agree(model: Any, small: gw.ClipModel, dtype: torch.dtype) -> None:
    full = image_maps(small, TEXTS[::2])
    autocast = gw.ClipModel(
        model, small.image_processor.crop, check.simple_tokenizer(), dtype=dtype
    )
    narrow = check.wrap(small_clip().to(dtype))
    for clip in (autocast, narrow):
        maps = image_maps(clip, TEXTS[::2])
        assert maps.dtype == torch.float32
        assert np.corrcoef(maps.flatten(), full.flatten())[0, 1] > 0.9


def test_the_information_is_at_the_named_object(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "m2ib", readings=False)(scene.image, "a dog")
    left, top, right, bottom = (round(edge / 16) for edge in scene.objects[0].box)
    inside = np.zeros(e.patch_grid, bool)
    inside[top:bottom, left:right] = True
    for shown in (e.signed_map, e.raw_map("dog")):
        assert np.isfinite(shown).all()
        assert shown[inside].sum() > 3 * inside.mean() * shown.sum()
    assert e.importance("grad-eclip").argmax() == 1


def test_a_vocabulary_is_refused_with_a_faster_method(
    explainer: gw.Explainer, scene: Scene
) -> None:
    slow, words = explainer.with_method("m2ib", steps=2), gw.vocabularies("demo")["demo"]
    with pytest.raises(ValueError, match=r"154 words; give at most 20, or use method='grad-eclip'"):
        slow.vocabulary_maps(scene.image, words)
    few = slow.vocabulary_maps(scene.image, gw.Vocabulary("two", ("dog", "circle")))
    assert few.maps.shape == (2, 14, 14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0 of method='m2ib': give at least 1"),
        ({"samples": 0}, "samples=0 of method='m2ib': give at least 1"),
        ({"beta": 0}, "beta=0 of method='m2ib': give a number above 0"),
        ({"layer": 3}, "layer=3 of method='m2ib': this tower has 3 blocks, .*; give 0 to 2"),
        ({"text_layer": -1}, "text_layer=-1 of method='m2ib': this tower has 4 blocks"),
    ],
)
def test_invalid_options_are_refused(
    small: gw.ClipModel, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gw.Explainer(small, "m2ib", method_options=options)(check.picture(96, 96), "a dog")


def test_readings_are_left_out_with_a_note_and_computed_when_asked(clip: gw.ClipModel) -> None:
    scene = gw.demo.sample_scene(500_007, objects=["dog"])
    quick = {"steps": 1, "samples": 1}
    without = gw.Explainer(clip, "m2ib", method_options=quick)(scene.image, "a dog")
    assert without.readings == ("in caption",)
    assert any("readings=True" in note for note in without.notes)
    asked = gw.Explainer(clip, "m2ib", method_options=quick, readings=True)
    assert "alone" in asked(scene.image, "a dog").readings
    switched = gw.Explainer(clip).with_method("m2ib", **quick)(scene.image, "a dog")
    assert switched.readings == ("in caption",)
    assert gw.Explainer(clip).with_method("grad-cam").readings
