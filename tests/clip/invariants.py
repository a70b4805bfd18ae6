"""What must hold of every tower's trace, checked against the model's own forward pass."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from open_clip.timm_model import TimmModel
from open_clip.transform import PreprocessCfg, image_transform_v2
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget import ClipModel
from gradeclip_widget.clip.blocks.attention import attend_to_region
from gradeclip_widget.clip.blocks.transformer import Transformer, differentiable
from gradeclip_widget.clip.tokenizers.base import SpecialTokens

from . import nudges
from .conftest import small_clip

EMBEDDING = 48
Moving = Callable[[Tensor], contextlib.AbstractContextManager[Any]]


def enliven(module: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights for all parameters, large enough for lively attention, none at its start value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            if parameter.ndim < 2:
                parameter.add_(0.1 * noise)
            else:
                parameter.copy_(1.5 * noise / max(1, parameter[0].numel()) ** 0.5)
    return module.eval()


def with_tower(visual: Any) -> CLIP:
    """A small open_clip model with another image tower."""
    model = small_clip()
    model.visual = enliven(visual)
    settle(model.visual)
    return model


def settle(visual: Any) -> None:
    """Let batch norms know what passes through them, as training does: else it may grow past float16."""
    norms = [m for m in visual.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.train().momentum = 1.0
    if norms:
        size = visual.image_size
        with torch.no_grad():
            visual(picture(*(size if isinstance(size, tuple) else (size, size)), count=4))
    visual.eval()


def timm_tower(trunk: Any, size: int = 64) -> TimmModel:
    """open_clip's wrapper around a trunk of any size."""
    visual = TimmModel("test_vit", EMBEDDING, (size, size), pool="token", proj="none")
    visual.trunk = trunk
    return visual


simple_tokenizer = functools.cache(
    open_clip.SimpleTokenizer
)  # reading its vocabulary takes a while


def wrap(model: Any, tokenizer: Any = None) -> ClipModel:
    size = model.visual.image_size
    size = (size, size) if isinstance(size, int) else tuple(size)
    preprocess = image_transform_v2(PreprocessCfg(size=size), is_train=False)
    return ClipModel(model, preprocess, tokenizer or simple_tokenizer())


def picture(*size: int, seed: int = 1, count: int = 1) -> Tensor:
    return random(count, 3, *size, seed=seed)


def random(*size: int, seed: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def close(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> None:
    """Within that part of the largest value."""
    assert a.shape == b.shape
    a, b = a.detach().double(), b.detach().double()
    part = float((a - b).abs().max() / b.abs().max().clamp_min(torch.finfo(torch.float32).tiny))
    assert part <= tolerance, f"{part:.1e} of the largest value, not {tolerance:.0e}"


def hooks(module: nn.Module) -> list[list[Any]]:
    """The hooks of a module."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [list(getattr(module, kind).values()) for kind in kinds]


def own_embedding(model: Any, pixels: Tensor) -> Tensor:
    """The model's own embedding (E,), computed as one row of a batch of two."""
    with torch.no_grad():
        other = picture(*pixels.shape[-2:], seed=9).to(pixels)
        x = model.encode_image(torch.cat([other, pixels]), normalize=True)
    return x[1].flatten()


def check_embedding(tower: Any, model: Any, pixels: Tensor) -> None:
    """(a) The trace's embedding is the model's own, (e) also as one row of a batch."""
    close(tower.trace(pixels).embedding, own_embedding(model, pixels))
    several = torch.cat([picture(*pixels.shape[-2:], seed=9).to(pixels), pixels])
    close(tower.encode(several)[1], own_embedding(model, pixels))
    if tower.has_transformer:
        check_transformer(tower.trace(pixels).transformer, tower.trace(pixels).embedding)


def check_transformer(transformer: Transformer, embedding: Tensor) -> None:
    """All blocks give the model's embedding, from any block on, and with their weights in the graph."""
    rows, inputs = transformer.rows, transformer.inputs
    close(transformer.embedding, embedding)
    with torch.no_grad():
        close(transformer.embed(torch.stack([rows, rows]))[1], embedding)
        close(transformer.embed(inputs[1], first=1), embedding)
        pooled = transformer.pooling.weights(inputs[-1])
    assert pooled.shape[-1] == len(rows)
    close(pooled.sum(-1), torch.ones(len(pooled)))
    with differentiable(rows):
        x, weights = transformer.weights_graph()
        slopes = torch.autograd.grad(x.sum(), weights)
    close(x, embedding)
    assert all(slope.abs().sum() > 0 for slope in slopes)
    blocks = weights[: len(transformer.blocks)]
    for one, again in zip(blocks, transformer.weights(), strict=True):
        assert torch.is_grad_enabled()
        close(one, again)
        close(one.sum(-1), torch.ones(one.shape[:-1]))


def slope(side: Any, embedding: Callable[[], Tensor], moving: Callable[[float], Any]) -> Tensor:
    """Central difference of the model's own embedding (E,) under ``moving``, with one side in double."""
    step = 1e-4
    side.double()
    try:
        with torch.no_grad():
            ends = []
            for move in (step, -step):
                with moving(move):
                    ends.append(embedding().flatten())
    finally:
        side.float()
    return (ends[0] - ends[1]) / (2 * step)


def leaning(along: Tensor, *slopes: Tensor) -> Tensor:
    """A direction orthogonal to none of the slopes, as a random one of many dimensions nearly is."""
    return sum((slope.double() / slope.norm() for slope in slopes), along.double() / along.norm())


def check_weights(
    tower: Any, model: Any, pixels: Tensor, layers: int = 1, moving: Moving | None = None
) -> None:
    """(b) w is the slope of the model's own score along o; the last block's contribution is w . o.

    ``moving`` is the model with its o moved by so much, where `nudges` does not know the tower's family.
    """
    trace = tower.trace(pixels, layers)
    directions = random(3, len(trace.embedding), seed=2)
    w = trace.vjp(directions)
    attention = trace.attentions[0]
    assert w.shape == (layers, 3, len(attention.o))
    if not nudges.normed_inside(
        tower
    ):  # what a norm takes in has no length: w is at right angles to it
        close(trace.block_contributions[-1] @ directions.T, w[-1] @ trace.attentions[-1].o, 1e-4)
    along = leaning(random(len(attention.o), seed=3), *w[0])
    moved = slope(
        model.visual,
        lambda: model.encode_image(pixels.double(), normalize=True),
        lambda step: moving(step * along) if moving else nudges.image(tower, step * along, layers),
    )
    close(w[0].double() @ along, directions.double() @ moved, 1e-3)


def check_map_gradients(tower: Any, model: Any, pixels: Tensor) -> None:
    """(b) Without a query: gradients are the slope of the model's own score along its feature map."""
    trace = tower.trace(pixels)
    direction = random(1, len(trace.embedding), seed=5)
    features, gradients = trace.features_vjp(direction)
    along = leaning(random(*features.shape, seed=6), gradients[0])
    moved = slope(
        model.visual,
        lambda: model.encode_image(pixels.double(), normalize=True),
        lambda step: nudges.feature_map(tower, step * along, trace.grid),
    )
    close((gradients[0].double() * along).sum(), direction[0].double() @ moved, 1e-3)
    assert torch.equal(trace.block_contributions[0], trace.embedding)
    check_region(tower, pixels)


def check_region(tower: Any, pixels: Tensor) -> None:
    """A region's embedding is a unit vector that depends on nothing outside it, and differs by place."""
    trace = tower.trace(pixels)
    patches = trace.grid[0] * trace.grid[1]
    assert {len(rows) for rows in trace.patch_features} == {patches}
    inside = torch.zeros(patches)
    inside[: patches // 2] = 1
    x = trace.region_embedding(inside)
    close(x.norm(), torch.ones(()))
    assert (trace.region_embedding(1 - inside) - x).norm() > 1e-3
    elsewhere = (1 - inside)[:, None]
    if trace.attentions:
        *_, attention = trace.attentions
        k, v = attention.k.clone(), attention.v.clone()
        k[attention.tokens] += 9 * elsewhere.to(k)
        v[attention.tokens] -= 9 * elsewhere.to(v)
        changed = replace(trace, attentions=[replace(attention, k=k, v=v)])
        everywhere = F.scaled_dot_product_attention(
            *(
                rows.unflatten(-1, (attention.heads, -1)).transpose(0, 1)
                for rows in (
                    attention.q[None],
                    attention.k[attention.tokens],
                    attention.v[attention.tokens],
                )
            ),
            attn_mask=None if attention.bias is None else attention.bias[:, None, attention.tokens],
        )
        close(attend_to_region(attention, torch.ones(patches)), everywhere.flatten())
    else:
        features = trace.features.clone()
        features[trace.patches] += 9 * elsewhere.to(features)
        changed = replace(trace, features=features)
        close(trace.region_embedding(torch.ones(patches)), trace.embedding)
    close(changed.region_embedding(inside), x)


def check_attention(tower: Any, pixels: Tensor) -> None:
    """(c) Values weighted by attention sum to o, over patches and the rest."""
    (attention,) = tower.trace(pixels).attentions
    weights = attention.weights()
    values = attention.v.unflatten(-1, (attention.heads, -1))
    parts = weights.T[..., None] * values
    patches = parts[attention.tokens].sum(0)
    rest = parts.sum(0) - patches
    close((patches + rest).flatten(), attention.o)
    assert len(parts[attention.tokens]) == tower.trace(pixels).grid[0] * tower.trace(pixels).grid[1]
    check_region(tower, pixels)


def check_feature_gradients(tower: Any, pixels: Tensor) -> None:
    """Gradients at the features have their shape, with a row for every patch."""
    trace = tower.trace(pixels)
    directions = random(2, len(trace.embedding), seed=4)
    features, gradients = trace.features_vjp(directions)
    assert gradients.shape == (2, *features.shape)
    rows, cols = trace.grid
    assert len(features[trace.patches]) == rows * cols


def check_text_embeddings(
    tower: Any, model: Any, sequences: Any, ids: Tensor, special_tokens: SpecialTokens
) -> None:
    """(a) Embeddings of sequences are the model's own of padded ids, (e) each as if alone."""
    embeddings, trace = tower.run(sequences, tower.depth, special_tokens)
    with torch.no_grad():
        close(embeddings, model.encode_text(ids, normalize=True))
    assert torch.equal(trace.embedding, embeddings[0])
    close(tower.run(sequences[1:], 1, special_tokens)[0], embeddings[1:])
    if tower.has_transformer:
        check_transformer(trace.transformer, embeddings[0])
        own = special_tokens.caption_slice(len(sequences[0]))
        assert len(trace.transformer.rows[trace.transformer.explained]) <= own.stop - own.start


def check_tangents(
    tower: Any,
    model: Any,
    sequence: Any,
    ids: Tensor,
    special_tokens: SpecialTokens,
    layers: int = 1,
) -> None:
    """(b) Propagated tangents are the slope of the model's own text embedding along attention outputs.

    Where tokens are averaged, along one token's own part of the mean.
    """
    _, trace = tower.run([sequence], layers, special_tokens)
    if trace.attentions:
        moves = [
            random(2, len(attention.o), seed=n) for n, attention in enumerate(trace.attentions)
        ]
        pushed, along = trace.propagate(moves).embedding[1], [m[1].double() for m in moves]
    else:
        pushed, along = trace.propagate([]).embedding[-1], [trace.features[-1].double()]
    moved = slope(
        getattr(model, "text", model),
        lambda: model.encode_text(ids, normalize=True),
        lambda step: nudges.text(tower, model, sequence, [step * a for a in along]),
    )
    close(pushed.double(), moved, 1e-3)


def check_text_attention(tower: Any, sequence: Any, special_tokens: SpecialTokens) -> None:
    """(c) Values weighted by attention sum to o; where tokens are averaged, their parts sum to the mean."""
    _, trace = tower.run([sequence], tower.depth, special_tokens)
    for attention in trace.attentions:
        values = attention.v[: attention.visible].unflatten(-1, (attention.heads, -1))
        close(torch.einsum("hn,nhd->hd", attention.weights(), values).flatten(), attention.o)
    if not trace.attentions:
        _, whole = tower.run(
            [sequence], 1, SpecialTokens(leading=0, trailing=0, pad=special_tokens.pad)
        )
        close(whole.features.sum(0), whole.pooled)


def check_lower_precision(model: Any, pixels: Tensor, tokenizer: Any = None) -> None:
    """Maps under autocast rank the patches as those in full precision do."""
    clip = wrap(model, tokenizer)
    full = _ranks(gw.Explainer(clip)(pixels, "a red car").signed_map)
    for dtype in ("bfloat16", "float16"):
        narrow = ClipModel(model, clip.image_processor.crop, clip.tokenizer.tokenizer, dtype=dtype)
        low = _ranks(gw.Explainer(narrow)(pixels, "a red car").signed_map)
        assert np.corrcoef(full, low)[0, 1] >= 0.98, dtype


def _ranks(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    ranks: np.ndarray[Any, Any] = np.argsort(np.argsort(values.ravel()))
    return ranks


def check_untouched(clip: ClipModel, pixels: Tensor) -> None:
    """(d) The model is bit for bit as it was, and so are its hooks and switches."""
    model = clip.model
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = [(m, dict(vars(m)), list(m._modules.items()), hooks(m)) for m in model.modules()]
    gw.Explainer(clip, readings=False)(pixels, "a red car")
    with clip.inference_context():
        trace = clip.image_tower.trace(pixels)
        directions = torch.ones(1, len(trace.embedding))
        if trace.attentions:
            trace.vjp(directions)
        trace.features_vjp(directions)
    for module, attributes, children, hooked in seen:
        assert list(module._modules.items()) == children
        assert hooks(module) == hooked
        for name, value in attributes.items():
            if not name.startswith("_"):
                assert vars(module)[name] is value or vars(module)[name] == value, name
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.eval()
