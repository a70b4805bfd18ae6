"""CLIP Surgery: its second path and the redundant part of texts, compared with the formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.clip.blocks.attention import attend
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.clip_surgery import ClipSurgery
from gradeclip_widget.methods.maskclip import embed_patches

from ..clip import invariants as check
from . import families
from .test_maskclip import entering

LABELS = ["a tree", "a blue bus", "snow"]


@pytest.fixture(scope="module")
def small() -> gw.ClipModel:
    """A model of 3 image blocks."""
    return check.wrap(families.model("open_clip"))


@torch.no_grad()
def two_paths(visual: Any, pixels: Tensor, blocks: int) -> Tensor:
    """Unit features (1 + patches, E) by open_clip's own modules; the first is the picture's embedding."""
    first = visual.transformer.resblocks[-blocks]
    x = entering(first, visual, pixels)[0]
    path, heads = x, first.attn.num_heads
    for block in visual.transformer.resblocks[-blocks:]:
        h = F.linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias)
        q, k, v = (a.unflatten(-1, (heads, -1)).transpose(0, 1) for a in h.chunk(3, -1))
        scale = q.shape[-1] ** -0.5
        o, second = (
            block.attn.out_proj(((a @ b.mT * scale).softmax(-1) @ v).transpose(0, 1).flatten(1))
            for a, b in ((q, k), (v, v))
        )
        path = path + second
        x = x + o
        x = x + block.mlp(block.ln_2(x))
    both = torch.cat([x[:1], path[1:]])
    return F.normalize(visual.ln_post(both) @ visual.proj, dim=-1)


@torch.no_grad()
def embed(clip: gw.ClipModel, *captions: str) -> Tensor:
    """The model's own text embeddings; open_clip's tokenizer takes the empty text."""
    ids = clip.tokenizer.tokenizer(list(captions))
    embeddings: Tensor = clip.model.encode_text(ids, normalize=True)
    return embeddings


def maps(clip: gw.ClipModel, directions: Tensor, **options: Any) -> Tensor:
    method = ClipSurgery(**options)
    method.bind(clip)
    with clip.inference_context():
        return method.image_maps(clip.image_tower.trace(families.pixels(clip)), directions)


@pytest.mark.parametrize(("blocks", "passed"), [(1, 1), (2, 2), (6, 3)])
def test_the_empty_text_is_subtracted_from_a_single_text(
    small: gw.ClipModel, blocks: int, passed: int
) -> None:
    """With more ``blocks`` than the tower has, the path starts at its first block."""
    features = two_paths(small.model.visual, families.pixels(small), passed)
    texts = embed(small, "a red car", "a dog")
    expected = (texts - embed(small, "")) @ features[1:].T
    check.close(maps(small, texts, blocks=blocks), expected)
    if blocks == 6:
        check.close(maps(small, texts), expected)


def test_labels_are_weighted_by_how_well_they_fit_the_picture(small: gw.ClipModel) -> None:
    """The authors' elementwise formula, for all texts at once."""
    features = two_paths(small.model.visual, families.pixels(small), 3)
    texts = embed(small, "a red car", *LABELS)
    fit = (2 * features[0] @ texts.T).softmax(-1)
    products = features[:, None] * texts * (fit / fit.mean())[:, None]
    similarity = (products - products.mean(1, keepdim=True)).sum(-1)
    ours = maps(small, texts[:1], labels=LABELS)
    check.close(ours[0], similarity[1:, 0])
    # A text that is one of the labels is not counted twice.
    check.close(maps(small, texts[:1], labels=["a red car", *LABELS]), ours)


@pytest.mark.parametrize("labels", [(), LABELS])
def test_differences_of_texts_use_the_linear_part(small: gw.ClipModel, labels: list[str]) -> None:
    a, b = embed(small, "a red car", "a dog")
    difference, part, zero = maps(small, torch.stack([a - b, 0.1 * a, 0 * a]), labels=labels)
    features = two_paths(small.model.visual, families.pixels(small), 3)[1:]
    check.close(difference, features @ (a - b))
    check.close(part, features @ a * 0.1)
    assert not zero.any()
    if not labels:
        rows = maps(small, torch.stack([a, b]))
        check.close(rows[0] - rows[1], difference, 1e-4)


def test_labels_are_embedded_again_after_the_model_has_changed() -> None:
    clip = check.wrap(families.TRANSFORMERS["open_clip"]())
    method = ClipSurgery(labels=LABELS)
    method.bind(clip)

    def redundant() -> Tensor:
        with clip.inference_context():
            return method._redundant_texts()

    before = redundant()
    assert redundant() is before
    with torch.no_grad():
        clip.model.text_projection.mul_(-1)
    check.close(redundant(), -before)


@pytest.mark.parametrize("name", ["open_clip", "timm", "post-norm", "relative", "eva01", "eva02"])
def test_the_attention_branch_is_what_a_block_adds_before_its_mlp(name: str) -> None:
    """Compared with the input of the MLP, or of the norm before it, in the model's own forward pass."""
    clip = check.wrap(families.model(name))
    visual, pixels = clip.model.visual, families.pixels(clip)
    with clip.inference_context():
        transformer = clip.image_tower.trace(pixels).transformer
        block, rows = transformer.blocks[0], transformer.inputs[0]
        o = attend(*block.qkv(rows), block.heads, block.bias)
        module: Any = block.module
        after = {"open_clip": "ln_2", "post-norm": "mlp", "relative": "mlp"}.get(name, "norm2")
        mixed = entering(getattr(module, after), visual, pixels)[0]
        check.close(rows + block.attention_branch(block.post_attention(rows, o)), mixed)


def test_a_pooling_head_uses_the_values_of_the_path() -> None:
    clip = check.wrap(families.model("siglip"))
    t = embed(clip, "a red car")
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        blocks, inputs = trace.transformer.blocks, trace.transformer.inputs
        path = inputs[1]
        v = blocks[1].qkv(inputs[1])[2]
        path = path + clip.model.visual.trunk.blocks[1].attn.proj(attend(v, v, v, blocks[1].heads))
        expected = (t - embed(clip, "")) @ embed_patches(trace.transformer, path).T
    check.close(maps(clip, t, blocks=1), expected)


@pytest.mark.parametrize("name", families.OTHERS)
def test_other_towers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"'clip-surgery'.*transformer"):
        gw.Explainer(check.wrap(families.model(name)), "clip-surgery")


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, "clip-surgery")


def test_invalid_options_are_refused(small: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match="blocks=0"):
        ClipSurgery(blocks=0)
    with pytest.raises(TypeError, match="not int"):
        ClipSurgery(labels=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no words"):
        gw.Explainer(small, "clip-surgery", method_options={"labels": ["a dog", " "]})


def test_a_words_map_is_high_on_its_object(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "clip-surgery")(scene.image, scene.caption)
    assert families.contrast(e, scene, "dog") > 1
    assert families.contrast(e, scene, "dog", "alone") > 1
