"""Hugging Face encoders, small and random, whose tokens are averaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.hf_model import HFTextEncoder

import gradeclip_widget as gw
from gradeclip_widget.clip.text_towers.huggingface_mean import HuggingFaceMeanTower
from gradeclip_widget.clip.tokenizers.base import SpecialTokens
from gradeclip_widget.methods.grad_eclip import GradEclip

from .. import invariants as check
from .test_bidirectional import Custom

transformers = pytest.importorskip("transformers")

SEQUENCES = [[0, 7, 9, 11, 30, 2], [0, 7, 2], [0, 5, 6, 7, 8, 9, 10, 2]]


def encoder(kind: str, pooler: str = "mean_pooler") -> HFTextEncoder:
    if kind == "mt5":  # open_clip keeps the encoder alone
        config = transformers.MT5Config(
            vocab_size=99, d_model=32, d_kv=16, num_heads=2, num_layers=2, d_ff=48, pad_token_id=1
        )
        inner = transformers.MT5EncoderModel(config)
    else:
        config = transformers.XLMRobertaConfig(
            vocab_size=99, hidden_size=32, num_attention_heads=2, num_hidden_layers=2,
            intermediate_size=48, max_position_embeddings=90,
        )  # fmt: skip
        inner = None
    plain = config if inner is None else transformers.XLMRobertaConfig(num_hidden_layers=1)
    text = HFTextEncoder("", check.EMBEDDING, plain, pooler_type=pooler, proj_type="mlp")
    if inner is not None:
        text.config, text.transformer = config, inner
        text.proj = torch.nn.Linear(32, check.EMBEDDING)
    return text


@pytest.fixture(scope="module", params=["xlm-roberta", "mt5"])
def model(request: pytest.FixtureRequest) -> Any:
    return Custom(encoder(request.param))


def padded(model: Any, length: int = 12) -> torch.Tensor:
    pad = model.text.config.pad_token_id
    return torch.tensor([[*ids, *[pad] * (length - len(ids))] for ids in SEQUENCES])


def test_embeddings_are_the_models_own(model: Any) -> None:
    check.check_text_embeddings(
        HuggingFaceMeanTower(model), model, SEQUENCES, padded(model), SpecialTokens()
    )


def test_attributions_are_the_embeddings_slope_along_each_tokens_part(model: Any) -> None:
    tower, ids = HuggingFaceMeanTower(model), padded(model)[:1]
    shares = GradEclip().token_attributions(tower.run(SEQUENCES[:1], 1)[1]).embedding
    assert shares.shape == (4, check.EMBEDDING)
    check.check_tangents(tower, model, SEQUENCES[0], ids, SpecialTokens())


def test_parts_make_up_the_mean(model: Any) -> None:
    check.check_text_attention(HuggingFaceMeanTower(model), SEQUENCES[0], SpecialTokens())


@pytest.fixture
def worded(model: Any) -> Iterator[Any]:
    """The model with a vocabulary that a real tokenizer speaks."""
    model.text.config.pad_token_id, pad = 0, model.text.config.pad_token_id
    before = model.text.transformer.get_input_embeddings()
    model.text.transformer.resize_token_embeddings(49408)
    yield model
    model.text.config.pad_token_id = pad
    model.text.transformer.set_input_embeddings(before)


def test_explaining_a_caption_does_not_change_the_model(worded: Any) -> None:
    clip = check.wrap(worded)
    before = {name: value.clone() for name, value in worded.state_dict().items()}
    e = gw.Explainer(clip)(check.picture(96, 96), "a dog in a car")
    with pytest.raises(ValueError, match=r"text tower .* has no query"):
        gw.Explainer(clip, "self-attention")
    assert np.abs(e.interactions).max() > 0
    assert e.text_layers == 1
    assert all(torch.equal(before[name], value) for name, value in worded.state_dict().items())
    assert all(p.grad is None for p in worded.parameters())


def test_maps_in_lower_precision_rank_patches_the_same(worded: Any) -> None:
    check.check_lower_precision(worded, check.picture(96, 96))


def test_another_pooler_is_refused() -> None:
    with pytest.raises(TypeError, match="pools its tokens by ClsPooler"):
        HuggingFaceMeanTower(Custom(encoder("xlm-roberta", "cls_pooler")))
