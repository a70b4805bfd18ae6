"""One small model of every family of towers, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradeclip_widget import ClipModel

from .. import invariants as check
from ..conftest import small_clip
from ..image_towers import test_attention_pooling, test_feature_map, test_timm_class_token
from ..text_towers import test_bidirectional, test_huggingface_first_token, test_huggingface_mean

Build = Callable[[], Any]


def _image(tower: Build) -> Build:
    return lambda: check.with_tower(tower())


def _text(tower: Build) -> Build:
    return lambda: test_bidirectional.Custom(tower())


def _with_vocabulary(tower: Build, **config: Any) -> Build:
    """A model with a vocabulary of the size of open_clip's tokenizer."""

    def build() -> Any:
        pytest.importorskip("transformers")
        model = test_bidirectional.Custom(tower())
        for name, value in config.items():
            setattr(model.text.config, name, value)
        model.text.transformer.resize_token_embeddings(49408, mean_resizing=False)
        return model

    return build


IMAGE: dict[str, Build] = {"open_clip": small_clip}
for _module in (test_timm_class_token, test_attention_pooling, test_feature_map):
    IMAGE |= {f"{name}": _image(tower) for name, tower in _module.FAMILIES.items()}  # type: ignore[attr-defined]
TEXT: dict[str, Build] = {
    f"text-{name}": _text(lambda options=options: test_bidirectional.text(**options))  # type: ignore[misc]
    for name, options in test_bidirectional.FAMILIES.items()
}
TEXT |= {
    f"text-{name}": _with_vocabulary(tower, pad_token_id=0)
    for name, tower in test_huggingface_first_token.FAMILIES.items()
}
TEXT |= {
    f"text-mean-{name}": _with_vocabulary(
        lambda name=name: test_huggingface_mean.encoder(name),
        pad_token_id=0,  # type: ignore[misc]
    )
    for name in ("xlm-roberta", "mt5")
}
ALL = IMAGE | TEXT
# One of every kind of tower and block.
SOME = (
    "open_clip", "vit", "post-norm", "relative-table", "eva02", "siglip", "perception-encoder", "coca",
    "coca-parallel", "resnet", "convnext", "fastvit", "swin", "vitamin", "averaged", "clipa", "text-siglip",
    "text-padding-hidden", "text-coca", "text-nllb", "text-bert", "text-xlm-roberta", "text-mean-mt5",
)  # fmt: skip
# One of every class of towers.
KINDS = (
    "open_clip", "vit", "siglip", "coca", "resnet", "convnext", "text-siglip", "text-coca", "text-bert",
    "text-mean-mt5",
)  # fmt: skip


def wrapped(model: Any, **options: Any) -> ClipModel:
    """The model with open_clip's tokenizer, for 20 tokens if its text tower was built for 20."""
    text = getattr(model, "text", None)  # of `small_clip`, none
    tokenizer = check.simple_tokenizer(context_length=77 if text is None else 20)
    plain = check.wrap(model, tokenizer)
    return ClipModel(model, plain.image_processor.crop, tokenizer, **options)
