"""Blocks whose attention is a module of its own, its output projection called as one (open_clip's main)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget.clip.blocks.open_clip import OpenClipBlock

from .. import invariants as check
from ..conftest import CAPTION, small_clip


class OwnAttention(nn.Module):
    """Weights named as in torch's attention, and nothing else of it."""

    def __init__(self, weights: Any) -> None:
        super().__init__()
        self.num_heads = weights.num_heads
        self.in_proj_weight, self.in_proj_bias = weights.in_proj_weight, weights.in_proj_bias
        self.out_proj = nn.Linear(*weights.out_proj.weight.shape)
        self.out_proj.load_state_dict(weights.out_proj.state_dict())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        rows = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        heads = rows.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(*heads, attn_mask=mask)
        projected: Tensor = self.out_proj(o.transpose(1, 2).flatten(2))
        return projected


class OwnBlock(nn.Module):
    """A block around it, with the other parts of an open_clip one."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.attn = OwnAttention(block.attn)
        for part in ("ln_1", "ls_1", "ln_2", "mlp", "ls_2"):
            setattr(self, part, getattr(block, part))
        self.get_weight_dtype = block.get_weight_dtype  # the tower asks its first block

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        part: Any = self
        x = x + part.ls_1(self.attn(part.ln_1(x), attn_mask))
        out: Tensor = x + part.ls_2(part.mlp(part.ln_2(x)))
        return out


def rebuilt() -> CLIP:
    """The small CLIP with the same weights in such blocks."""
    model = small_clip()
    for transformer in (model.visual.transformer, model.transformer):
        transformer.resblocks = nn.ModuleList(OwnBlock(b) for b in transformer.resblocks)
    return model.eval()


@pytest.fixture(scope="module")
def model() -> CLIP:
    return rebuilt()


def test_the_score_is_the_models_own(model: CLIP) -> None:
    pixels, tokenizer = check.picture(96, 96), check.simple_tokenizer()
    e = gw.Explainer(check.wrap(model), image_layers=2)(pixels, CAPTION)
    with torch.no_grad():
        text = model.encode_text(tokenizer([CAPTION]), normalize=True)[0]
    assert e.score == pytest.approx(float(check.own_embedding(model, pixels) @ text), abs=1e-5)


def test_maps_do_not_depend_on_how_the_attention_is_kept(model: CLIP) -> None:
    pixels = check.picture(96, 128)
    e = gw.Explainer(check.wrap(model), image_layers=2)(pixels, CAPTION)
    known = gw.Explainer(check.wrap(small_clip()), image_layers=2)(pixels, CAPTION)
    for a, b in (
        (e.interactions, known.interactions),
        (e.image_block_shares, known.image_block_shares),
        (e.text_block_shares, known.text_block_shares),
    ):
        check.close(torch.tensor(a), torch.tensor(b))


@pytest.mark.parametrize("part", ["ln_q", "ln_inner", "logit_scale", "head_scale"])
def test_attention_that_does_more_is_refused(part: str) -> None:
    block = rebuilt().transformer.resblocks[0]
    extra = nn.LayerNorm(8) if part.startswith("ln") else nn.Parameter(torch.ones(2, 1, 1))
    setattr(block.attn, part, extra)
    with pytest.raises(TypeError, match=f"the attention of its blocks has {part}"):
        OpenClipBlock.of(block)
