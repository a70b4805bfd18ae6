"""Hugging Face encoders, small and random, whose first token is pooled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from open_clip.hf_model import HFTextEncoder

import gradeclip_widget as gw
from gradeclip_widget.clip.text_towers.huggingface_first_token import HuggingFaceFirstTokenTower
from gradeclip_widget.clip.tokenizers.base import SpecialTokens
from gradeclip_widget.methods.grad_eclip import GradEclip

from .. import invariants as check
from .test_bidirectional import Custom

transformers = pytest.importorskip("transformers")

SEQUENCES = [[5, 7, 9, 11, 30, 2], [5, 7, 2], [6, 8, 9, 3, 7, 2, 9, 2]]
FRAME = SpecialTokens(pad=1)
SIZES = {
    "vocab_size": 60, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 3,
    "intermediate_size": 48, "max_position_embeddings": 90, "pad_token_id": 1,
}  # fmt: skip


def encoder(kind: str, pooler: str = "cls_pooler", **options: Any) -> HFTextEncoder:
    if kind == "nllb":  # open_clip keeps the encoder alone
        config = transformers.M2M100Config(
            vocab_size=60, d_model=32, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=48,
            decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=8, pad_token_id=1,
        )  # fmt: skip
        text = HFTextEncoder("", check.EMBEDDING, config, pooler_type=pooler, proj_type="linear")
        text.transformer = getattr(text.transformer, "encoder", text.transformer)
        return text
    classes = {"bert": "BertConfig", "roberta": "RobertaConfig", "xlm-roberta": "XLMRobertaConfig"}
    config = getattr(transformers, classes[kind])(**SIZES, **options)
    return HFTextEncoder("", check.EMBEDDING, config, pooler_type=pooler, proj_type="mlp")


FAMILIES = {
    "nllb": lambda: encoder("nllb"),
    "bert": lambda: encoder("bert"),  # through its own pooler, a layer and a tanh
    "roberta": lambda: encoder("roberta"),
    "xlm-roberta": lambda: encoder("xlm-roberta", "cls_last_hidden_state_pooler"),
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Any:
    return Custom(FAMILIES[request.param]())


@pytest.fixture
def tower(model: Any) -> HuggingFaceFirstTokenTower:
    return HuggingFaceFirstTokenTower(model)


def padded(sequences: list[list[int]] = SEQUENCES) -> torch.Tensor:
    return torch.tensor([[*ids, *[FRAME.pad] * (12 - len(ids))] for ids in sequences])


def test_embeddings_are_the_models_own(tower: HuggingFaceFirstTokenTower, model: Any) -> None:
    check.check_text_embeddings(tower, model, SEQUENCES, padded(), FRAME)


@pytest.mark.parametrize("layers", [1, 3])
def test_propagated_tangents_are_the_embeddings_slope(
    tower: HuggingFaceFirstTokenTower, model: Any, layers: int
) -> None:
    check.check_tangents(tower, model, SEQUENCES[0], padded(SEQUENCES[:1]), FRAME, layers)


def test_values_with_true_attention_make_up_the_output(tower: HuggingFaceFirstTokenTower) -> None:
    for ids in SEQUENCES:
        (*_, attention) = tower.run([ids], 3, FRAME)[1].attentions
        assert (attention.visible, attention.padding) == (len(ids), 0)
        check.check_text_attention(tower, ids, FRAME)


def test_only_the_captions_own_tokens_get_attributions(tower: HuggingFaceFirstTokenTower) -> None:
    for ids in SEQUENCES:
        shares = GradEclip().token_attributions(tower.run([ids], 2, FRAME)[1]).embedding
        assert shares.shape == (len(ids) - 2, check.EMBEDDING)
        assert shares.abs().max() > 0


def test_last_block_contribution_is_its_attention_output_propagated(
    tower: HuggingFaceFirstTokenTower,
) -> None:
    _, trace = tower.run(SEQUENCES, 1, FRAME)
    assert trace.block_contributions.shape == (3, check.EMBEDDING)
    check.close(
        trace.block_contributions[-1],
        trace.propagate([trace.attentions[0].o[None]]).embedding[0],
        1e-4,
    )


@pytest.fixture
def worded(model: Any) -> Any:
    """The model with a vocabulary that a real tokenizer speaks."""
    before = model.text.transformer.get_input_embeddings()
    model.text.transformer.resize_token_embeddings(49408)
    yield model
    model.text.transformer.set_input_embeddings(before)


def test_explaining_a_caption_does_not_change_the_model(worded: Any) -> None:
    clip = check.wrap(worded, check.simple_tokenizer())
    before = {name: value.clone() for name, value in worded.state_dict().items()}
    e = gw.Explainer(clip)(check.picture(96, 96), "a dog in a red car")
    assert e.text_layers == 2
    assert np.abs(e.interactions).max() > 0
    assert np.isfinite(gw.Explainer(clip, "self-attention")(check.picture(96, 96), "a dog").score)
    assert all(torch.equal(before[name], value) for name, value in worded.state_dict().items())
    assert all(p.grad is None for p in worded.parameters())


def test_maps_in_lower_precision_rank_patches_the_same(worded: Any) -> None:
    check.check_lower_precision(worded, check.picture(96, 96))


def test_another_encoder_is_refused() -> None:
    text = encoder("bert")
    text.transformer.encoder.layer[0] = torch.nn.Identity()
    with pytest.raises(TypeError, match="unknown encoder layer Identity"):
        HuggingFaceFirstTokenTower(Custom(text))


def test_an_average_is_of_another_family() -> None:
    with pytest.raises(TypeError, match="pools its tokens by MeanPooler"):
        HuggingFaceFirstTokenTower(Custom(encoder("roberta", "mean_pooler")))
