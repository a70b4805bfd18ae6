"""A small architecture, checkpoints of it, and the score by its own encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor

TINY = "tiny"
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def random_model(seed: int, name: str = TINY) -> Any:
    """Return a small model of open_clip with random weights."""
    torch.manual_seed(seed)
    model = open_clip.create_model(name).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.05 * torch.randn_like(weights))
    return model


def state_of(model: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def saved(state: Any, path: Path) -> Path:
    """Write a checkpoint, and return its path."""
    torch.save(state, path)
    return path


PICTURE = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
CAPTION = "a dog in a car"


def score_of(model: Any) -> float:
    """Return the cosine similarity of the picture and the caption by the model's own encoders."""
    with torch.no_grad():
        x = model.encode_image(PICTURE, normalize=True)
        y = model.encode_text(open_clip.get_tokenizer(TINY)([CAPTION]), normalize=True)
        return float(x @ y.T)
