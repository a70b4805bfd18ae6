"""What must hold of every image tower's trace, checked against the model's own forward pass."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP
from open_clip.timm_model import TimmModel
from open_clip.transform import PreprocessCfg, image_transform_v2
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget import ClipModel

from .conftest import small_clip

EMBEDDING = 48


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
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(seed))


def close(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> None:
    assert a.shape == b.shape
    assert (a.double() - b.double()).abs().max() <= tolerance * b.abs().max()


def own_embedding(model: Any, pixels: Tensor) -> Tensor:
    """The model's own (E,), one row of a batch of two."""
    with torch.no_grad():
        other = picture(*pixels.shape[-2:], seed=9).to(pixels)
        x = model.encode_image(torch.cat([other, pixels]), normalize=True)
    return x[1].flatten()


@contextlib.contextmanager
def nudged_by_bias(projection: Any, move: Tensor) -> Iterator[None]:
    """The model with its attention outputs moved before a projection that it uses by its weights.

    All rows move, and only the pooled one of a pooling head leads on.
    """
    bias = projection.bias
    projection.bias = nn.Parameter(bias + projection.weight @ move)
    try:
        yield
    finally:
        projection.bias = bias


@contextlib.contextmanager
def nudged(module: nn.Module, move: Tensor) -> Iterator[None]:
    """The model with the first row moved as it enters a module."""

    def shift(module: nn.Module, args: tuple[Tensor]) -> Tensor:
        moved = args[0].clone()
        moved[:, 0] += move
        return moved

    hook = module.register_forward_pre_hook(shift)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def nudged_blocks(
    blocks: Sequence[Any], moves: Sequence[Tensor], position: int = 0
) -> Iterator[None]:
    """A model with one row's attention outputs moved in some of its open_clip blocks."""

    def shift(block: Any, move: Tensor) -> Any:
        def hook(module: nn.Module, args: tuple[Tensor]) -> Tensor:
            moved = args[0].clone()
            moved[:, position] += block.attn.out_proj.weight @ move
            return moved

        return block.ls_1.register_forward_pre_hook(hook)

    hooks = [shift(block, move) for block, move in zip(blocks, moves, strict=True)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def check_embedding(tower: Any, model: Any, pixels: Tensor) -> None:
    """(a) the trace's embedding is the model's own."""
    close(tower.trace(pixels).embedding, own_embedding(model, pixels))


def check_weights(
    tower: Any,
    model: Any,
    pixels: Tensor,
    moving: Callable[[Tensor], Any],
    layers: int = 1,
    inner: bool = False,
) -> None:
    """(b) w is the slope of the model's own score as o moves; the last block's effect is w . o."""
    trace = tower.trace(pixels, layers)
    directions = torch.randn(3, EMBEDDING, generator=torch.Generator().manual_seed(2))
    w = trace.pull(directions)
    read = trace.reads[0]
    assert w.shape == (layers, 3, len(read.o))
    if not inner:  # what an inner norm takes in has no length, so w is at right angles to it
        close(trace.block_effects[-1] @ directions.T, w[-1] @ trace.reads[-1].o, 1e-4)
    along = torch.randn(read.o.shape, generator=torch.Generator().manual_seed(3)).double()
    model.double()
    try:
        scores = []
        for step in (1e-4, -1e-4):
            with moving(step * along):
                scores.append(directions.double() @ own_embedding(model, pixels.double()))
    finally:
        model.float()
    close(w[0].double() @ along, (scores[0] - scores[1]) / 2e-4, 1e-3)


def check_attention(tower: Any, pixels: Tensor) -> None:
    """(c) values with the true attention weights make up o, patches and the rest."""
    (read,) = tower.trace(pixels).reads
    weights = read.attention()
    values = read.v.unflatten(-1, (read.heads, -1))
    parts = weights.T[..., None] * values
    patches = parts[read.tokens].sum(0)
    rest = parts.sum(0) - patches
    close((patches + rest).flatten(), read.o)
    assert len(parts[read.tokens]) == tower.trace(pixels).grid[0] * tower.trace(pixels).grid[1]


def check_text_attention(trace: Any) -> None:
    """(c) of a text tower: values of all that is seen, with the true attention weights, make up o."""
    for read in trace.reads:
        values = read.v[: read.visible].unflatten(-1, (read.heads, -1))
        close(torch.einsum("hn,nhd->hd", read.attention(), values).flatten(), read.o)


def check_feature_gradients(tower: Any, pixels: Tensor) -> None:
    """Gradients at the features, against weights: where they move o alone, they are w pulled through."""
    trace = tower.trace(pixels)
    directions = torch.randn(2, EMBEDDING, generator=torch.Generator().manual_seed(4))
    features, gradients = trace.pull_features(directions)
    assert gradients.shape == (2, *features.shape)
    rows, cols = trace.grid
    assert len(features[trace.patches]) == rows * cols


def check_lower_precision(model: Any, pixels: Tensor, tokenizer: Any = None) -> None:
    """Maps under autocast rank the patches as those in full precision do."""
    clip = wrap(model, tokenizer)
    full = _ranks(gw.Explainer(clip)(pixels, "a red car").signed_map)
    for dtype in ("bfloat16", "float16"):
        narrow = ClipModel(model, clip.optics.crop, clip.tokenizer.tokenizer, dtype=dtype)
        low = _ranks(gw.Explainer(narrow)(pixels, "a red car").signed_map)
        assert np.corrcoef(full, low)[0, 1] >= 0.98, dtype


def _ranks(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    ranks: np.ndarray[Any, Any] = np.argsort(np.argsort(values.ravel()))
    return ranks


def check_untouched(clip: ClipModel, pixels: Tensor) -> None:
    """(d) the model is bit for bit as it was, its switches too."""
    model = clip.model
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = [(m, dict(vars(m)), list(m._modules.items())) for m in model.modules()]
    directions = torch.ones(1, EMBEDDING)
    with clip.running():
        trace = clip.image_tower.trace(pixels)
        if trace.reads:
            trace.pull(directions)
        trace.pull_features(directions)
    for module, attributes, children in seen:
        assert list(module._modules.items()) == children
        for name, value in attributes.items():
            if not name.startswith("_"):
                assert vars(module)[name] is value or vars(module)[name] == value, name
    assert all(p.grad is None and p.requires_grad for p in model.visual.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.eval()
