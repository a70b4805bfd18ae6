"""Text towers that read both ways (SigLIP, MobileCLIP, CLIPA) or append a class token (CoCa)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget.clip.text_towers.bidirectional import BidirectionalTextTower
from gradeclip_widget.clip.tokenizers.base import SpecialTokens
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.self_attention import SelfAttention

from .. import invariants as check
from ..conftest import CAPTION, small_clip

LENGTH = 20
CAPTIONS = [CAPTION, "a dog", "red", "wow !% a brown cat !", "dog " * 40]


def text(**options: Any) -> TextTransformer:
    return TextTransformer(
        context_length=LENGTH, width=32, heads=2, layers=3, mlp_ratio=2.0,
        output_dim=check.EMBEDDING, **options,
    )  # fmt: skip


FAMILIES = {
    "siglip": {"no_causal_mask": True, "pool_type": "last", "proj_bias": True},
    "siglip-no-projection": {"no_causal_mask": True, "pool_type": "last", "proj_type": "none"},
    "mobileclip": {"no_causal_mask": True},
    "first": {"no_causal_mask": True, "pool_type": "first"},
    "padding-hidden": {"no_causal_mask": True, "use_pad_mask": True, "pool_type": "eos", "eos_id": 49407},
    "last-of-causal": {"pool_type": "last"},
    "coca": {"embed_cls": True},
    "coca-corrected": {"embed_cls": True, "correct_cls_mask": True},
    "class-token-both-ways": {"embed_cls": True, "no_causal_mask": True, "correct_cls_mask": True},
}  # fmt: skip


class Custom(nn.Module):
    """A model with its text tower apart, as open_clip's ``CustomTextCLIP`` and ``CoCa`` are."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        clip = small_clip()
        self.visual, self.logit_scale = clip.visual, clip.logit_scale
        self.text = check.enliven(tower)
        if getattr(tower, "text_projection", tower) is None:
            self.visual.proj = nn.Parameter(torch.randn(128, 32) * 0.1)
        self.eval()

    def encode_text(self, ids: Tensor, normalize: bool = False) -> Tensor:
        out = self.text(ids)
        return nn.functional.normalize(out, dim=-1) if normalize else out

    def encode_image(self, pixels: Tensor, normalize: bool = False) -> Tensor:
        out = self.visual(pixels)
        return nn.functional.normalize(out, dim=-1) if normalize else out


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Custom:
    return Custom(text(**FAMILIES[request.param]))


@pytest.fixture
def tower(model: Custom) -> BidirectionalTextTower:
    return BidirectionalTextTower(model)


@pytest.fixture(scope="module")
def sequences() -> list[list[int]]:
    rows = check.simple_tokenizer(context_length=LENGTH)(CAPTIONS)
    return [row[: int(row.argmax()) + 1].tolist() for row in rows]


def padded() -> Tensor:
    ids: Tensor = check.simple_tokenizer(context_length=LENGTH)(CAPTIONS)
    return ids


def test_embeddings_are_the_models_own(
    tower: BidirectionalTextTower, model: Custom, sequences: list[list[int]]
) -> None:
    check.check_text_embeddings(tower, model, sequences, padded(), SpecialTokens())


def test_each_caption_is_encoded_as_if_alone(
    tower: BidirectionalTextTower, sequences: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    together, _ = tower.run(sequences, 1)
    monkeypatch.setattr("gradeclip_widget.clip.text_towers.bidirectional._ROWS", 1)
    check.close(tower.run(sequences, 1)[0], together)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("caption", [0, 3])
def test_propagated_tangents_are_the_embeddings_slope(
    tower: BidirectionalTextTower,
    model: Custom,
    sequences: list[list[int]],
    layers: int,
    caption: int,
) -> None:
    ids = sequences[caption]
    check.check_tangents(tower, model, ids, padded()[[caption]], SpecialTokens(), layers)


def test_values_with_true_attention_make_up_the_output(
    tower: BidirectionalTextTower, sequences: list[list[int]]
) -> None:
    for ids in sequences:
        check.check_text_attention(tower, ids, SpecialTokens())


def test_only_the_captions_own_tokens_get_attributions(
    tower: BidirectionalTextTower, sequences: list[list[int]]
) -> None:
    for ids in sequences:
        _, trace = tower.run([ids], 2)
        shares = GradEclip().token_attributions(trace).embedding
        assert shares.shape == (len(ids) - 2, len(trace.embedding))
        weights = SelfAttention().token_attributions(trace).embedding @ trace.embedding
        assert weights.sum() < 1 + 1e-5
        bare = tower.run([ids], 2, SpecialTokens(leading=0, trailing=0))[1]
        assert len(GradEclip().token_attributions(bare).embedding) == len(ids)


def test_padding_does_not_set_the_scale_of_lambda(
    tower: BidirectionalTextTower, sequences: list[list[int]]
) -> None:
    """Padding is read where nothing hides it, and stands behind the real tokens."""
    attention = tower.run([sequences[1]], 1)[1].attentions[0]
    reads_padding = not getattr(tower.text, "use_pad_mask", False) and tower.class_token is None
    real = len(sequences[1])
    pads = LENGTH - real
    if reads_padding and tower.pooling != "eos":
        assert (attention.visible, attention.padding) == (LENGTH, pads)
    else:
        assert attention.padding <= 1  # CoCa's released mask shows it one


def test_last_block_contribution_is_its_attention_output_propagated(
    tower: BidirectionalTextTower, sequences: list[list[int]]
) -> None:
    _, trace = tower.run(sequences, 1)
    assert trace.block_contributions.shape == (3, len(trace.embedding))
    check.close(
        trace.block_contributions[-1],
        trace.propagate([trace.attentions[0].o[None]]).embedding[0],
        1e-4,
    )


def test_explaining_a_caption_does_not_change_the_model(model: Custom) -> None:
    clip = check.wrap(model, check.simple_tokenizer(context_length=LENGTH))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    e = gw.Explainer(clip)(check.picture(96, 96), "a brown dog ! in a car")
    assert e.text_layers == (2 if model.text.attn_mask is None else 3)
    assert gw.Explainer(clip, text_layers=8).text_layers == 3
    assert np.isfinite(e.interactions).all()
    assert np.abs(e.interactions).max() > 0
    assert all(w.tokens for w in e.words)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_maps_in_lower_precision_rank_patches_the_same(model: Custom) -> None:
    tokenizer = check.simple_tokenizer(context_length=LENGTH)
    check.check_lower_precision(model, check.picture(96, 96), tokenizer)


def test_models_with_their_text_side_unpacked_are_read_too(sequences: list[list[int]]) -> None:
    vision = CLIPVisionCfg(layers=1, width=64, head_width=32, patch_size=16, image_size=32)
    cfg = CLIPTextCfg(
        context_length=LENGTH, width=32, heads=2, layers=2, no_causal_mask=True, pool_type="last"
    )
    model = CLIP(check.EMBEDDING, vision, cfg).eval()
    tower = BidirectionalTextTower(model)
    check.check_text_embeddings(tower, model, sequences, padded(), SpecialTokens())


def test_a_sigmoid_models_score_is_its_own_with_its_probability() -> None:
    vision = CLIPVisionCfg(layers=1, width=64, head_width=32, patch_size=16, image_size=32)
    cfg = CLIPTextCfg(
        context_length=LENGTH, width=32, heads=2, layers=2, no_causal_mask=True, pool_type="last",
        proj_bias=True,
    )  # fmt: skip
    model = CustomTextCLIP(check.EMBEDDING, vision, cfg, init_logit_scale=2.0, init_logit_bias=-3.0)
    check.enliven(model)
    tokenizer = check.simple_tokenizer(context_length=LENGTH)
    pixels = check.picture(32, 32)
    e = gw.Explainer(check.wrap(model, tokenizer))(pixels, "a dog")
    with torch.no_grad():
        logits, _ = model.get_logits(pixels, tokenizer(["a dog"]))
    assert e.logit_bias is not None
    assert e.logit == pytest.approx(float(logits), abs=1e-4)
    assert e.probability == pytest.approx(float(logits.sigmoid()), abs=1e-5)


def test_a_whole_coca_is_explained() -> None:
    vision = CLIPVisionCfg(
        layers=2, width=64, head_width=32, patch_size=16, image_size=32, attentional_pool=True,
        attn_pooler_heads=4, attn_pooler_queries=5, output_tokens=True,
    )  # fmt: skip
    cfg = CLIPTextCfg(
        context_length=LENGTH, width=32, heads=2, layers=2, embed_cls=True, output_tokens=True
    )
    decoder = {"context_length": LENGTH, "width": 32, "heads": 2, "layers": 1}
    model: Any = check.enliven(CoCa(check.EMBEDDING, decoder, cfg, vision))
    tokenizer = check.simple_tokenizer(context_length=LENGTH)
    pixels = check.picture(32, 32)
    e = gw.Explainer(check.wrap(model, tokenizer))(pixels, "a dog in a car")
    with torch.no_grad():
        score = model.encode_image(pixels) @ model.encode_text(tokenizer(["a dog in a car"])).T
    assert e.score == pytest.approx(float(score), abs=1e-5)
    assert e.patch_grid == (2, 2)
    assert np.isfinite(e.interactions).all()


def test_what_pools_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="pools its tokens by 'none'"):
        BidirectionalTextTower(Custom(text(pool_type="none")))


def test_reference_is_refused(sequences: list[list[int]]) -> None:
    tower = BidirectionalTextTower(Custom(text(**FAMILIES["siglip"])))
    with pytest.raises(ValueError, match=r"causal.*bidirectional"):
        tower.trace(sequences[0], 1, single_head=True)
