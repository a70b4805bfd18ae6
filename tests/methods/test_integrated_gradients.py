"""Integrated gradients over token embeddings: complete, as captum has them, in every text tower family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerIntegratedGradients
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.clip.text_towers.bidirectional import BidirectionalTextTower
from gradeclip_widget.clip.text_towers.causal import CausalTextTower
from gradeclip_widget.clip.text_towers.huggingface_first_token import HuggingFaceFirstTokenTower
from gradeclip_widget.clip.text_towers.huggingface_mean import HuggingFaceMeanTower
from gradeclip_widget.clip.tokenizers.base import SpecialTokens
from gradeclip_widget.methods.integrated_gradients import STEPS, integrated_gradients

from ..clip import invariants as check
from ..clip.conftest import CAPTION, small_clip
from ..clip.text_towers import test_bidirectional as pooled_text
from ..clip.text_towers import test_huggingface_first_token as class_text
from ..clip.text_towers import test_huggingface_mean as mean_text

BLANK = 400  # a token that no caption here has

# A tower, its model, a framed caption, the ids that the model takes, and the frame.
Case = tuple[Any, Any, list[int], Tensor, SpecialTokens]


def open_clip(model: Any, kind: Any, length: int) -> Case:
    ids = check.simple_tokenizer(context_length=length)([CAPTION])
    sequence = ids[0, : int(ids.argmax()) + 1].tolist()
    return kind(model), model, sequence, ids, SpecialTokens()


def both_ways(name: str) -> Case:
    model = pooled_text.Custom(pooled_text.text(**pooled_text.FAMILIES[name]))
    return open_clip(model, BidirectionalTextTower, pooled_text.LENGTH)


def hugging_face(encoder: Any, kind: Any) -> Case:
    model = pooled_text.Custom(encoder)
    pad = model.text.config.pad_token_id
    sequence = class_text.SEQUENCES[2]
    ids = torch.tensor([[*sequence, *[pad] * 4]])
    return kind(model), model, sequence, ids, SpecialTokens(pad=pad)


CASES: dict[str, Callable[[], Case]] = {
    "causal": lambda: open_clip(small_clip(), CausalTextTower, 77),
    **{name: (lambda name=name: both_ways(name)) for name in pooled_text.FAMILIES},
    **{
        name: (lambda make=make: hugging_face(make(), HuggingFaceFirstTokenTower))
        for name, make in class_text.FAMILIES.items()
    },
    "averaged xlm-roberta": lambda: hugging_face(
        mean_text.encoder("xlm-roberta"), HuggingFaceMeanTower
    ),
    "averaged mt5": lambda: hugging_face(mean_text.encoder("mt5"), HuggingFaceMeanTower),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


@pytest.fixture(scope="module")
def causal() -> Case:
    return CASES["causal"]()


def own_score(model: Any, ids: Tensor, x: Tensor) -> Tensor:
    """The model's own."""
    score: Tensor = model.encode_text(ids, normalize=True) @ x
    return score


@torch.no_grad()
def ends(case: Case) -> tuple[Tensor, Tensor]:
    """The model's own embeddings (E,) of the caption, and with its own tokens' embeddings at zero."""
    tower, model, sequence, ids, special_tokens = case

    def clear(_: Any, __: Any, out: Tensor) -> Tensor:
        out = out.clone()
        out[:, special_tokens.leading : len(sequence) - special_tokens.trailing] = 0
        return out

    whole = model.encode_text(ids, normalize=True)[0]
    hook = tower.token_embedding.register_forward_hook(clear)
    try:
        return whole, model.encode_text(ids, normalize=True)[0]
    finally:
        hook.remove()


def direction(case: Case) -> Tensor:
    """A unit image embedding along which the score gains much on the path."""
    whole, bare = ends(case)
    return F.normalize(whole - bare, dim=0)


@pytest.mark.parametrize("name", [name for name in CASES if name != "averaged mt5"])
def test_attributions_sum_to_what_the_score_gains_on_the_path(name: str) -> None:
    """Not so T5: it has no positions and starts with a norm, so at zero embeddings its slope is infinite."""
    tower, _, sequence, _, special_tokens = case = CASES[name]()
    whole, bare = ends(case)
    x = direction(case)
    steps = 200 if name == "causal" else 50  # its attention is sharper than that of the others
    attributions = integrated_gradients(tower, sequence, special_tokens, x, steps)
    assert attributions.shape == (len(sequence) - 2,)
    gain = float((whole - bare) @ x)
    assert gain > 0.1
    assert float(attributions.sum()) == pytest.approx(gain, rel=2e-3)


def test_they_are_captums(case: Case) -> None:
    tower, model, sequence, ids, special_tokens = case
    x = direction(case)
    own = slice(special_tokens.leading, len(sequence) - special_tokens.trailing)
    blank = min(BLANK, tower.token_embedding.num_embeddings - 1)
    weight = tower.token_embedding.weight
    before = weight[blank].clone()
    baseline = ids.clone()
    baseline[:, own] = blank
    with torch.no_grad():
        weight[blank] = 0  # so that captum's baseline is zero at the caption's own tokens
    try:
        theirs = LayerIntegratedGradients(
            lambda tokens: own_score(model, tokens, x), tower.token_embedding
        ).attribute(ids, baseline, n_steps=STEPS, method="riemann_middle")
    finally:
        with torch.no_grad():
            weight[blank] = before
    ours = integrated_gradients(tower, sequence, special_tokens, x)
    check.close(ours, theirs.sum(-1)[0, own], 1e-4)


def test_batches_of_steps_make_no_difference(causal: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    tower, _, sequence, _, special_tokens = causal
    x = direction(causal)
    whole = integrated_gradients(tower, sequence, special_tokens, x, steps=5)
    monkeypatch.setattr("gradeclip_widget.methods.integrated_gradients._ROWS", 1)
    check.close(integrated_gradients(tower, sequence, special_tokens, x, steps=5), whole, 1e-4)


def test_the_model_is_not_changed(case: Case) -> None:
    tower, model, sequence, _, special_tokens = case
    before = {name: value.clone() for name, value in model.state_dict().items()}
    integrated_gradients(tower, sequence, special_tokens, direction(case), steps=2)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert not any(any(check.hooks(module)) for module in model.modules())


def test_no_steps_are_refused(causal: Case) -> None:
    tower, _, sequence, _, special_tokens = causal
    with pytest.raises(ValueError, match="steps=0: give at least 1"):
        integrated_gradients(tower, sequence, special_tokens, torch.ones(check.EMBEDDING), steps=0)


def test_an_explanation_has_them_on_request() -> None:
    clip = check.wrap(small_clip())
    pixels = check.picture(96, 96)
    plain = gw.Explainer(clip)
    asked = gw.Explainer(clip, integrated_gradients=True)
    assert plain(pixels, CAPTION).integrated_gradients is None
    e = asked(pixels, CAPTION)
    assert e.integrated_gradients is not None
    np.testing.assert_array_equal(
        e.integrated_gradients, plain.integrated_gradients(pixels, CAPTION)
    )
    whole, bare = ends(open_clip(clip.model, CausalTextTower, 77))
    with clip.inference_context():
        gain = (whole - bare) @ clip.image_tower.trace(pixels).embedding
    fine = plain.integrated_gradients(plain.encode(pixels), CAPTION, steps=200)
    assert fine.sum() == pytest.approx(float(gain), abs=1e-3)
