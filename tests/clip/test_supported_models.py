"""Models of OpenAI's ``clip`` package, rebuilt here in its layout, can be wrapped and explained."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import open_clip
import pytest
import torch
from open_clip.modified_resnet import ModifiedResNet
from torch import Tensor, nn
from torchvision import transforms

import gradeclip_widget as gw

CAPTION = "a brown dog in a red car"
SIZE, WIDTH = 64, 128


class LayerNorm(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).type(x.dtype)


class QuickGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class ResidualAttentionBlock(nn.Module):
    def __init__(self, width: int, heads: int, mask: Tensor | None) -> None:
        super().__init__()
        self.attn, self.attn_mask = nn.MultiheadAttention(width, heads), mask
        self.ln_1, self.ln_2 = LayerNorm(width), LayerNorm(width)
        steps = ("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGELU())
        self.mlp = nn.Sequential(OrderedDict([*steps, ("c_proj", nn.Linear(4 * width, width))]))

    def forward(self, x: Tensor) -> Tensor:
        y, mask = self.ln_1(x), self.attn_mask
        mask = None if mask is None else mask.to(x.dtype)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, mask: Tensor | None = None) -> None:
        super().__init__()
        self.width, self.layers = width, layers
        blocks = (ResidualAttentionBlock(width, heads, mask) for _ in range(layers))
        self.resblocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, L, D) of the same shape; the blocks take (L, B, D)."""
        return self.resblocks(x.permute(1, 0, 2)).permute(1, 0, 2)


class VisionTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_resolution, self.output_dim = SIZE, 32
        self.conv1 = nn.Conv2d(3, WIDTH, 16, 16, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn((SIZE // 16) ** 2 + 1, WIDTH))
        self.ln_pre, self.ln_post = LayerNorm(WIDTH), LayerNorm(WIDTH)
        self.transformer = Transformer(WIDTH, 3, WIDTH // 64)
        self.proj = nn.Parameter(torch.randn(WIDTH, 32) / 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x).flatten(2).permute(0, 2, 1)
        first = self.class_embedding.to(x.dtype).expand(len(x), 1, -1)
        x = torch.cat([first, x], dim=1) + self.positional_embedding.to(x.dtype)
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class ResNet(ModifiedResNet):  # open_clip's class is OpenAI's, except for this attribute
    def __init__(self) -> None:
        super().__init__((1, 1, 1, 1), 32, heads=32, image_size=SIZE, width=64)
        self.input_resolution = SIZE
        del self.image_size


class CLIP(nn.Module):
    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.context_length = 77
        self.visual: Any = visual
        mask = torch.full((77, 77), float("-inf")).triu_(1)
        self.transformer = Transformer(WIDTH, 2, WIDTH // 64, mask)
        self.token_embedding = nn.Embedding(49408, WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(77, WIDTH) / 8)
        self.ln_final = LayerNorm(WIDTH)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, 32) / 8)
        self.logit_scale = nn.Parameter(torch.tensor(4.6))

    @property
    def dtype(self) -> torch.dtype:
        return self.visual.conv1.weight.dtype

    def encode_image(self, image: Tensor) -> Tensor:
        return self.visual(image.type(self.dtype))

    def encode_text(self, text: Tensor) -> Tensor:
        x = self.token_embedding(text).type(self.dtype) + self.positional_embedding.type(self.dtype)
        x = self.ln_final(self.transformer(x)).type(self.dtype)
        return x[torch.arange(len(x)), text.argmax(-1)] @ self.text_projection


def tokenize(texts: str | Sequence[str], context_length: int = 77) -> Tensor:
    """A function that returns the same as ``clip.tokenize``."""
    return open_clip.SimpleTokenizer(context_length=context_length)(texts)


PREPROCESS = transforms.Compose(
    [
        transforms.Resize(SIZE, transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(SIZE),
        lambda image: image.convert("RGB"),
        transforms.ToTensor(),
        transforms.Normalize(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD),
    ]
)
PICTURE = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=[VisionTransformer, ResNet])
def model(request: pytest.FixtureRequest) -> CLIP:
    torch.manual_seed(0)
    return CLIP(request.param()).eval()


def own_score(model: CLIP) -> float:
    with torch.no_grad():
        x, y = model.encode_image(PICTURE), model.encode_text(tokenize([CAPTION]))
        return float(torch.cosine_similarity(x.float(), y.float()))


def score(model: CLIP) -> float:
    clip = gw.ClipModel(model, PREPROCESS, tokenize)
    return float(gw.Explainer(clip)(PICTURE, CAPTION).score)


def test_openais_model_is_explained_with_its_score(model: CLIP) -> None:
    assert score(model) == pytest.approx(own_score(model), abs=1e-5)


def test_weights_are_shared_and_not_changed(model: CLIP) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    clip = gw.ClipModel(model, PREPROCESS, tokenize)
    gw.Explainer(clip)(PICTURE, CAPTION)
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert {id(p) for p in clip.model.parameters()} == {id(p) for p in model.parameters()}


def test_changed_weights_change_the_score(model: CLIP) -> None:
    clip = gw.ClipModel(model, PREPROCESS, tokenize)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.02 * torch.randn_like(weights))
    e = gw.Explainer(clip)(PICTURE, CAPTION)
    assert e.score == pytest.approx(own_score(model), abs=1e-5)


def test_weights_may_be_partly_in_float16() -> None:
    torch.manual_seed(0)
    model = CLIP(VisionTransformer()).eval()
    for module in model.modules():  # as `clip.load` does for GPUs
        if isinstance(module, nn.Conv2d | nn.Linear | nn.MultiheadAttention):
            module.half()
    model.text_projection.data, model.visual.proj.data = (
        model.text_projection.data.half(),
        model.visual.proj.data.half(),
    )
    assert score(model) == pytest.approx(own_score(model), abs=2e-3)


def test_words_are_those_of_the_caption(model: CLIP) -> None:
    clip = gw.ClipModel(model, PREPROCESS, tokenize)
    e = gw.Explainer(clip)(PICTURE, CAPTION)
    assert [word.text for word in e.words] == CAPTION.split()


def test_another_tokenizer_function_is_refused(model: CLIP) -> None:
    def other(texts: Sequence[str]) -> Tensor:
        return tokenize(texts).roll(1)

    with pytest.raises(TypeError, match="tokenizer function"):
        gw.ClipModel(model, PREPROCESS, other)


def test_a_model_with_further_parts_is_refused(model: CLIP) -> None:
    model.visual.adapter = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"visual\.adapter\.weight"):
        gw.ClipModel(model, PREPROCESS, tokenize)


# Wrapped models, and objects that are none


@pytest.mark.parametrize("wrapper", [nn.DataParallel, torch.compile])
def test_a_wrapper_that_computes_the_same_is_removed(wrapper: Any) -> None:
    torch.manual_seed(0)
    model = CLIP(VisionTransformer()).eval()
    assert score(wrapper(model)) == score(model)


class Trainer:
    """An object with a model, such as a trainer or a pipeline."""

    def __init__(self) -> None:
        self.model = nn.Linear(2, 2)


class ImageProcessor:
    """One of transformers, which comes without a model."""

    __module__ = "transformers.models.clip"


class FullyShardedDataParallel(nn.Module):
    """A model of which each process has a part."""


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Trainer(), r"Trainer around a Linear.*trainer\.model"),
        (nn.Sequential(OrderedDict(model=nn.Linear(2, 2))), r"Sequential.*model\.model"),
        (CLIP, "the class CLIP"),
        ({"proj": torch.zeros(2)}, r"dict of 1 weights.*load_state_dict"),
        ("ViT-B-32/openai", r"gw\.load\('ViT-B-32/openai'\)"),
        (ImageProcessor(), r"without a model.*from_transformers"),
        (FullyShardedDataParallel(), "a part of the weights.*FULL_STATE_DICT"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_model_is_named_with_the_way_out(thing: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        gw.ClipModel(thing, PREPROCESS, tokenize)


def test_swapped_or_missing_parts_are_named() -> None:
    model, tokenizer = CLIP(VisionTransformer()), open_clip.SimpleTokenizer()
    with pytest.raises(ValueError, match="a tokenizer: the order is"):
        gw.ClipModel(model, tokenizer, PREPROCESS)
    with pytest.raises(ValueError, match="the one for inference"):
        gw.ClipModel(model, (PREPROCESS, PREPROCESS), tokenizer)
    with pytest.raises(TypeError, match=r"get_tokenizer\('ViT-B-16'\)"):
        gw.ClipModel(model, PREPROCESS, "ViT-B-16")
