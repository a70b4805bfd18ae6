"""Small models with the real architectures and random weights."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.transform import PreprocessCfg, image_transform_v2

from gradeclip_widget import ClipModel

CAPTION = "a brown dog in a red car waiting for green traffic lights"


def small_clip(seed: int = 0, **sizes: Any) -> CLIP:
    """open_clip's own CLIP: 3 image blocks, 4 text blocks, weights large enough for lively attention."""
    torch.manual_seed(seed)
    vision = CLIPVisionCfg(layers=3, width=128, head_width=32, patch_size=16, image_size=96)
    text = CLIPTextCfg(context_length=77, vocab_size=49408, width=64, heads=2, layers=4)
    model = CLIP(48, vision, text, quick_gelu=True, **sizes)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2 and "embedding" not in name:
                parameter.mul_(3)
            elif parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


@pytest.fixture(scope="session")
def model() -> CLIP:
    """A small random CLIP."""
    return small_clip()


@pytest.fixture(scope="session")
def wrapped(model: CLIP) -> ClipModel:
    """The same behind the house's interface."""
    size = (96, 96)
    preprocess = image_transform_v2(PreprocessCfg(size=size), is_train=False)
    return ClipModel(model, preprocess, open_clip.SimpleTokenizer())


@pytest.fixture(scope="session")
def pixels() -> torch.Tensor:
    """A normalized picture that is not square."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 3, 96, 128, generator=generator)
