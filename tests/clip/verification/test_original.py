"""Changes to a model (adapters, hooks, methods, weights) are explained with it, or refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, convert_weights_to_lp
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

import gradeclip_widget as gw
from gradeclip_widget.clip.verification.towers import check_towers

from .. import invariants as check
from ..conftest import small_clip

CAPTION = "a red car"
PIXELS = check.picture(96, 96)


def own_score(model: Any, dtype: torch.dtype = torch.float32) -> float:
    ids = check.simple_tokenizer()([CAPTION])
    with torch.no_grad():
        x = model.encode_image(PIXELS.to(dtype), normalize=True)
        score: Tensor = (x @ model.encode_text(ids, normalize=True).T)[0, 0]
    return float(score)


def score(model: Any) -> float:
    return float(gw.Explainer(check.wrap(model), readings=False)(PIXELS, CAPTION).score)


@pytest.fixture
def model() -> CLIP:
    return small_clip()


def adapted(model: CLIP, *targets: str, seed: int = 0) -> Any:
    """The model in peft's wrapper, its adapters trained a little."""
    peft = pytest.importorskip("peft")
    tuned = peft.get_peft_model(model, peft.LoraConfig(target_modules=list(targets), r=4)).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weights, std=0.3, generator=generator)
    return tuned


# Adapters


@pytest.mark.parametrize("wrapper", ["on", "off"])
def test_lora_on_the_attention_is_refused_until_it_is_merged(model: CLIP, wrapper: str) -> None:
    plain, tuned = score(model), adapted(model, "attn")
    model = tuned if wrapper == "on" else tuned.base_model.model
    expected = own_score(model)
    assert abs(expected - plain) > 0.01
    with pytest.raises(ValueError, match=r"peft \(.*attn"):
        score(model)
    assert score(tuned.merge_and_unload()) == pytest.approx(expected, abs=1e-5)


def test_lora_on_linear_layers_is_explained_with_its_derivatives(model: CLIP) -> None:
    tuned = adapted(model, "c_fc", "c_proj")
    explained = gw.Explainer(check.wrap(tuned.base_model.model), image_layers=3, readings=False)
    before = explained(PIXELS, CAPTION)
    assert before.score == pytest.approx(own_score(tuned), abs=1e-5)
    merged = check.wrap(tuned.merge_and_unload())
    after = gw.Explainer(merged, image_layers=3, readings=False)(PIXELS, CAPTION)
    for a, b in (
        (before.interactions, after.interactions),
        (before.image_block_shares, after.image_block_shares),
        (before.text_block_shares, after.text_block_shares),
    ):
        check.close(torch.tensor(a), torch.tensor(b), 1e-4)


def test_lora_that_torchs_attention_does_not_read_has_no_effect(model: CLIP) -> None:
    plain = score(model)
    tuned = adapted(model, "out_proj").base_model.model
    assert own_score(tuned) == pytest.approx(plain, abs=1e-5)
    assert score(tuned) == pytest.approx(plain, abs=1e-5)


def test_training_an_adapter_that_passed_at_its_start_is_noticed(model: CLIP) -> None:
    peft = pytest.importorskip("peft")
    tuned = peft.get_peft_model(model, peft.LoraConfig(target_modules=["attn"], r=4)).eval()
    clip = check.wrap(tuned)
    gw.Explainer(clip)(PIXELS, CAPTION)  # adapters start as zero
    with torch.no_grad():
        for name, weights in tuned.named_parameters():
            if "lora_B" in name:
                weights.add_(0.3)
    with pytest.raises(ValueError, match="peft"):
        gw.Explainer(clip)(PIXELS, CAPTION)


# Hooks and methods


def test_a_hook_on_the_tower_is_refused(model: CLIP) -> None:
    layers = score(model)
    hook = model.visual.register_forward_hook(lambda module, args, out: out + 1)
    assert abs(own_score(model) - layers) > 0.05
    with pytest.raises(ValueError, match=r"encode_image.*hooks \(visual\)"):
        score(model)
    hook.remove()
    assert score(model) == pytest.approx(layers, abs=1e-6)


def test_verify_checks_a_model(model: CLIP) -> None:
    clip = check.wrap(model)
    clip.verify()
    model.visual.register_forward_hook(lambda module, args, out: out + 1)
    with pytest.raises(ValueError, match=r"hooks \(visual\)"):
        clip.verify()


def test_a_hook_below_the_blocks_is_explained(model: CLIP) -> None:
    plain = score(model)
    model.visual.ln_pre.register_forward_hook(lambda module, args, out: out.roll(1, -1))
    model.token_embedding.register_forward_hook(lambda module, args, out: 2 * out)
    assert abs(own_score(model) - plain) > 0.01
    assert score(model) == pytest.approx(own_score(model), abs=1e-5)


@pytest.mark.parametrize("way", ["hook", "pre-hook", "forward"])
def test_a_change_inside_a_block_is_refused(model: CLIP, way: str) -> None:
    layer = model.visual.transformer.resblocks[1].mlp.c_fc
    own = layer.forward
    if way == "hook":
        layer.register_forward_hook(lambda module, args, out: out + 1)
    elif way == "pre-hook":
        layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    else:
        layer.forward = lambda x: own(x) + 1
    with pytest.raises(ValueError, match=r"visual.transformer.resblocks.1.mlp.c_fc"):
        score(model)


def test_a_global_hook_is_noticed(model: CLIP) -> None:
    clip = check.wrap(model)
    gw.Explainer(clip).scores(PIXELS, [CAPTION])

    def double(module: nn.Module, args: Any, out: Any) -> Any:
        return 2 * out if isinstance(module, nn.Sequential) else None

    handle = register_module_forward_hook(double)
    try:
        with pytest.raises(ValueError, match="encode_"):
            gw.Explainer(clip).scores(PIXELS, [CAPTION])
    finally:
        handle.remove()
    gw.Explainer(clip).scores(PIXELS, [CAPTION])


@pytest.mark.parametrize("where", ["model", "class"])
def test_another_encode_image_is_refused(model: CLIP, where: str) -> None:
    own = model.encode_image

    def shifted(image: Tensor, normalize: bool = False) -> Tensor:
        return F.normalize(own(image) + 0.5, dim=-1)

    if where == "model":
        model.encode_image = shifted
        message = "encode_image is replaced"
    else:
        model.__class__ = type("Mine", (CLIP,), {"encode_image": lambda self, *a, **k: shifted(*a)})
        message = "class Mine defines encode_image"
    with pytest.raises(ValueError, match=message):
        score(model)


def test_another_encode_text_is_refused(model: CLIP) -> None:
    own = model.encode_text
    model.encode_text = lambda ids, normalize=False: own(ids, normalize=normalize).roll(1, -1)
    with pytest.raises(ValueError, match="encode_text is replaced"):
        score(model)


def test_another_forward_of_a_part_is_refused(model: CLIP) -> None:
    part = model.visual.transformer.resblocks[0].mlp
    own = part.forward
    part.forward = lambda x: 2 * own(x)
    with pytest.raises(
        ValueError, match=r"forward is replaced on visual.transformer.resblocks.0.mlp"
    ):
        score(model)


def test_a_model_that_is_random_is_refused(model: CLIP) -> None:
    part = model.visual.transformer.resblocks[0].mlp
    part.register_forward_hook(lambda module, args, out: F.dropout(out, 0.5, training=True))
    with pytest.raises(ValueError, match="random"):
        score(model)


def test_a_tokenizer_that_adds_words_is_refused(model: CLIP) -> None:
    clip = check.wrap(model)
    own = clip.tokenizer.tokenizer

    class Prompted(type(own)):  # type: ignore[misc]
        def __call__(self, texts: Any, context_length: int | None = None) -> Tensor:
            return own([f"a photo of {text}" for text in texts])

    prompted = Prompted()
    with pytest.raises(ValueError, match="other token ids"):
        gw.Explainer(check.wrap(model, prompted))(PIXELS, CAPTION)


def test_a_model_that_does_not_run_is_refused(model: CLIP) -> None:
    model.visual.proj = nn.Parameter(torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"encode_image does not run.*96 x 96"):
        score(model)


# Weights


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_weights_run_where_the_model_runs(model: CLIP, dtype: torch.dtype) -> None:
    full = own_score(model)
    convert_weights_to_lp(model, dtype)
    assert {p.dtype for p in model.parameters()} == {dtype, torch.float32}
    assert own_score(model, dtype) == pytest.approx(full, abs=0.03)
    clip = check.wrap(model)
    for method in ("grad-eclip", "grad-cam"):
        e = gw.Explainer(clip, method, image_layers=3)(PIXELS, CAPTION)
        assert e.score == pytest.approx(own_score(model, dtype), abs=0.03)


def test_in_half_precision_a_changed_model_is_distinguished_from_rounding(model: CLIP) -> None:
    model.bfloat16()
    assert score(model) == pytest.approx(own_score(model, torch.bfloat16), abs=0.05)
    model.visual.register_forward_hook(lambda module, args, out: out + 0.3 * out.roll(1, -1))
    with pytest.raises(ValueError, match="hooks"):
        score(model)


@pytest.mark.parametrize("kind", ["weight norm", "older weight norm", "spectral norm"])
def test_a_reparametrized_layer_is_explained(model: CLIP, kind: str) -> None:
    layer = model.visual.transformer.resblocks[0].mlp.c_fc
    if kind == "older weight norm":
        with pytest.warns(FutureWarning):
            nn.utils.weight_norm(layer)
    elif kind == "weight norm":
        nn.utils.parametrizations.weight_norm(layer)
    else:
        nn.utils.parametrizations.spectral_norm(layer)
    model.eval()
    assert score(model) == pytest.approx(own_score(model), abs=1e-5)


def test_a_layer_that_caches_its_weights_does_not_count_as_changed(
    model: CLIP, checks: list[int]
) -> None:
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(model.visual.transformer.resblocks[0].mlp.c_fc)
    explainer = gw.Explainer(check.wrap(model))
    encoded = explainer.encode(PIXELS)
    for caption in (CAPTION, "a dog"):
        explainer(encoded, caption)
    assert len(checks) == 1


# The time of the check


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every check."""
    calls: list[int] = []

    def count(*args: Any) -> None:
        calls.append(len(calls))
        check_towers(*args)

    monkeypatch.setattr("gradeclip_widget.clip.model.check_towers", count)
    return calls


def test_a_model_is_checked_once_and_again_when_it_has_changed(
    model: CLIP, checks: list[int]
) -> None:
    clip = check.wrap(model)
    assert checks == []  # wrapping runs nothing
    explainer = gw.Explainer(clip)
    for caption in (CAPTION, "a dog", "a green tree"):
        explainer(PIXELS, caption)
    model.train()
    explainer(PIXELS, CAPTION)
    model.eval()
    explainer.scores(PIXELS, [CAPTION])
    assert len(checks) == 1
    with torch.no_grad():
        model.visual.proj.mul_(1.5)
    explainer(PIXELS, CAPTION)
    assert len(checks) == 2
    handle = model.visual.register_forward_hook(lambda module, args, out: None)
    explainer(PIXELS, CAPTION)
    assert len(checks) == 3
    handle.remove()
    model.visual.transformer.resblocks[0].mlp.c_fc = copy.deepcopy(
        model.visual.transformer.resblocks[0].mlp.c_fc
    )
    explainer(PIXELS, CAPTION)
    assert len(checks) == 4
    explainer(PIXELS, CAPTION)
    assert len(checks) == 4


def test_a_model_that_failed_is_checked_again(model: CLIP, checks: list[int]) -> None:
    clip = check.wrap(model)
    handle = model.visual.register_forward_hook(lambda module, args, out: out + 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="hooks"):
            gw.Explainer(clip)(PIXELS, CAPTION)
    handle.remove()
    gw.Explainer(clip)(PIXELS, CAPTION)
    assert len(checks) == 3


def test_a_check_does_not_change_random_numbers_modes_and_gradients(model: CLIP) -> None:
    model.train()
    before = torch.get_rng_state()
    check.wrap(model).verify()
    assert torch.equal(before, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
