"""What a trace says of a model, against the model itself and against plain autograd."""

from __future__ import annotations

import itertools
from typing import Any

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor

from gradeclip_widget import ClipModel
from gradeclip_widget.clip.blocks.attention import attend
from gradeclip_widget.clip.image_towers.class_token import ClassTokenTower
from gradeclip_widget.clip.text_towers.causal import CausalTextTower
from gradeclip_widget.clip.tokenizers.base import SOT_EOT
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.token_attributions import weighted_values

from . import invariants as check
from .conftest import CAPTION, small_clip


@pytest.fixture(scope="module")
def ids(wrapped: ClipModel) -> list[int]:
    return wrapped.tokenizer.add_special_tokens(wrapped.tokenizer.encode(CAPTION))


def close(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> None:
    assert (a - b).abs().max() <= tolerance * b.abs().max()


def own_pass(tower: Any, x: Tensor, first: int, visible: Any, moves: list[Tensor]) -> Tensor:
    """The tower's last blocks in plain autograd, a move added to the pooled token's attention output."""
    pooled, mask = visible
    for block, move in zip(tower.blocks[first:], moves, strict=True):
        o = attend(*block.qkv(x), block.heads, mask)
        hot = F.one_hot(torch.tensor(pooled), len(x))[:, None].to(x)
        x = block.forward_from_attention(x, o + hot * move)
    return tower.embedding_of(x[pooled])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_image_embedding_is_the_models_own(model: CLIP, pixels: Tensor, layers: int) -> None:
    square = pixels[..., :96]
    embedding = ClassTokenTower(model.visual).trace(square, layers).embedding
    check.close(embedding, check.own_embedding(model, square))


def test_text_embeddings_are_the_models_own(model: CLIP, wrapped: ClipModel) -> None:
    captions = [CAPTION, "a dog", "a brown cat", "dog " * 70, ""]
    tokens = open_clip.SimpleTokenizer()(captions)
    sequences = [
        wrapped.tokenizer.add_special_tokens(wrapped.tokenizer.encode(c)) for c in captions
    ]
    embeddings, trace = CausalTextTower(model).run(sequences, 4)
    close(embeddings, model.encode_text(tokens, normalize=True).detach())
    assert torch.equal(trace.embedding, embeddings[0])


def test_captions_past_one_pack_are_encoded_alike(
    model: CLIP, wrapped: ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = [
        wrapped.tokenizer.add_special_tokens(wrapped.tokenizer.encode(f"{a} {b}"))
        for a, b in itertools.product(["red", "blue", "old"], ["car", "dog", "tree"])
    ]
    whole, _ = CausalTextTower(model).run(sequences, 2)
    monkeypatch.setattr("gradeclip_widget.clip.text_towers.trie.PACK", 10)
    cut, _ = CausalTextTower(model).run(sequences, 2)
    close(cut, whole)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_image_channel_weights_are_the_scores_gradient(
    model: CLIP, pixels: Tensor, layers: int
) -> None:
    tower = ClassTokenTower(model.visual)
    trace = tower.trace(pixels, layers)
    directions = torch.randn(3, 48, generator=torch.Generator().manual_seed(2))
    w = trace.vjp(directions)
    assert w.shape == (layers, 3, 128)
    # Central differences of the score as the attention output of the first explained block moves.
    along = torch.randn(128, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    double = ClassTokenTower(small_clip().double().visual)
    start = trace.tokens_in.double()
    zeros = [torch.zeros(128, dtype=torch.float64)] * (layers - 1)

    @torch.no_grad()
    def score(step: float) -> Tensor:
        moves = [step * along, *zeros]
        embedding = own_pass(double, start, tower.depth - layers, (0, None), moves)
        return directions.double() @ embedding.double()

    slope = (score(1e-3) - score(-1e-3)) / 2e-3
    close((w[0].double() @ along), slope, 1e-3)


def test_text_attributions_agree_in_forward_and_reverse_mode(model: CLIP, ids: list[int]) -> None:
    tower = CausalTextTower(model)
    _, trace = tower.run([ids], 3)
    shares = GradEclip().token_attributions(trace).embedding
    direction = torch.randn(48, generator=torch.Generator().manual_seed(4))
    text = model
    x = (text.token_embedding(torch.tensor(ids)) + text.positional_embedding[: len(ids)]).detach()
    mask = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    for block in tower.blocks[:1]:
        x = block.forward_from_attention(x, attend(*block.qkv(x), block.heads, mask)).detach()
    moves = [torch.zeros(64, requires_grad=True) for _ in range(3)]
    embedding = own_pass(tower, x, 1, (len(ids) - 1, mask), moves)
    grads = torch.autograd.grad(embedding @ direction, moves)
    reverse = torch.stack(
        [
            weighted_values(attention, slice(attention.visible))[attention.tokens] @ w
            for attention, w in zip(trace.attentions, grads, strict=True)
        ]
    ).sum(0)
    close(shares @ direction, reverse)


def test_text_block_contributions_are_first_order(model: CLIP, ids: list[int]) -> None:
    tower = CausalTextTower(model)
    _, trace = tower.run([ids], 2)
    x = (model.token_embedding(torch.tensor(ids)) + model.positional_embedding[: len(ids)]).detach()
    mask = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    moves = [torch.zeros(64, requires_grad=True) for _ in range(4)]
    embedding = own_pass(tower, x, 0, (len(ids) - 1, mask), moves)
    direction = torch.randn(48, generator=torch.Generator().manual_seed(5))
    grads = torch.autograd.grad(embedding @ direction, moves)
    _, full = tower.run([ids], 4)
    expected = torch.stack([w @ r.o for w, r in zip(grads, full.attentions, strict=True)])
    close(trace.block_contributions @ direction, expected)
    trace.propagate([torch.zeros(2, 64)] * 2)  # the effects that ride along with moves are the same
    close(trace.block_contributions @ direction, expected)


@pytest.mark.parametrize("layers", [1, 3, 4])
def test_tangents_propagated_in_the_same_pass_are_those_propagated_afterwards(
    model: CLIP, ids: list[int], layers: int
) -> None:
    tower, method = CausalTextTower(model), GradEclip()
    sequences = [ids, ids[:3] + ids[-1:], ids[:1] + ids[2:]]
    embeddings, along = tower.run(sequences, layers, tangent_fn=method.tangent_fn())
    own_embeddings, after = tower.run(sequences, layers)
    assert after.propagated is None
    close(method.token_attributions(along).embedding, method.token_attributions(after).embedding)
    close(along.block_contributions, after.block_contributions)
    close(embeddings, own_embeddings)


def test_last_image_block_contribution_is_weight_times_output(model: CLIP, pixels: Tensor) -> None:
    trace = ClassTokenTower(model.visual).trace(pixels)
    direction = torch.randn(1, 48, generator=torch.Generator().manual_seed(6))
    w = trace.vjp(direction)[0, 0]
    close(trace.block_contributions[-1] @ direction[0], w @ trace.attentions[0].o)


def test_image_block_contributions_hold_the_patches_fixed(model: CLIP, pixels: Tensor) -> None:
    tower = ClassTokenTower(model.visual)
    trace = tower.trace(pixels, 3)
    direction = torch.randn(48, generator=torch.Generator().manual_seed(7))
    moves = [torch.zeros(128, requires_grad=True) for _ in range(3)]
    x, row = trace.tokens_in, trace.tokens_in[:1]
    for block, move in zip(tower.blocks, moves, strict=True):
        # The class token's own row with gradients, the patches' keys and values without.
        k, v = (a.detach()[1:] for a in block.keys_values(x))
        own_k, own_v = block.keys_values(row)
        o = attend(block.query(row), torch.cat([own_k, k]), torch.cat([own_v, v]), block.heads)
        x = block.forward_from_attention(x, attend(*block.qkv(x), block.heads)).detach()
        row = block.forward_from_attention(row, o + move)
    grads = torch.autograd.grad(tower.embedding_of(row[0]) @ direction, moves)
    expected = torch.stack([w @ r.o for w, r in zip(grads, trace.attentions, strict=True)])
    close(trace.block_contributions @ direction, expected)


def test_patches_with_true_attention_make_up_the_attention_output(
    model: CLIP, pixels: Tensor
) -> None:
    (attention,) = ClassTokenTower(model.visual).trace(pixels).attentions
    weights = attention.weights()  # (heads, N)
    values = attention.v.reshape(len(attention.v), attention.heads, -1)
    patches = torch.einsum("hn,nhd->hd", weights[:, attention.tokens], values[attention.tokens])
    rest = weights[:, 0, None] * values[0]
    close((patches + rest).flatten(), attention.o)


def test_a_region_is_read_by_itself(model: CLIP, pixels: Tensor) -> None:
    check.check_region(ClassTokenTower(model.visual), pixels)


@pytest.mark.parametrize("layers", [1, 2])
def test_image_weights_are_the_slope_of_the_models_own_score(
    model: CLIP, pixels: Tensor, layers: int
) -> None:
    check.check_weights(ClassTokenTower(model.visual), model, pixels[..., :96], layers)


@pytest.mark.parametrize("layers", [1, 4])
def test_propagated_text_tangents_are_the_slope_of_the_models_own_embedding(
    model: CLIP, ids: list[int], layers: int
) -> None:
    padded = torch.tensor([[*ids, *[0] * (77 - len(ids))]])
    check.check_tangents(CausalTextTower(model), model, ids, padded, SOT_EOT, layers)


def test_tokens_with_true_attention_make_up_the_attention_output(
    model: CLIP, ids: list[int]
) -> None:
    check.check_text_attention(CausalTextTower(model), ids, SOT_EOT)


def test_maps_in_lower_precision_rank_patches_the_same(model: CLIP, pixels: Tensor) -> None:
    check.check_lower_precision(model, pixels)


def test_contributions_can_be_left_out_without_changing_the_rest(
    model: CLIP, pixels: Tensor
) -> None:
    tower = ClassTokenTower(model.visual)
    lean, full = tower.trace(pixels, contributions=False), tower.trace(pixels)
    close(lean.embedding, full.embedding)
    close(lean.attentions[0].v, full.attentions[0].v)


def test_the_model_is_not_changed(wrapped: ClipModel, pixels: Tensor) -> None:
    model = wrapped.model
    model.train()
    model.visual.conv1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    wanted = [p.requires_grad for p in model.parameters()]
    try:
        with wrapped.inference_context():
            trace = wrapped.image_tower.trace(pixels, 2)
            trace.vjp(torch.ones(1, 48))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [m.training for m in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == wanted
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.eval()


def test_gradients_are_the_same_in_inference_mode(wrapped: ClipModel, pixels: Tensor) -> None:
    def gradients() -> Tensor:
        with wrapped.inference_context():
            return wrapped.image_tower.trace(pixels).vjp(torch.ones(1, 48)).clone()

    expected = gradients()
    with torch.inference_mode():
        assert torch.equal(gradients(), expected)
    assert expected.any()


@pytest.mark.parametrize("layers", [0, 4])
def test_more_blocks_than_there_are_is_refused(model: CLIP, pixels: Tensor, layers: int) -> None:
    with pytest.raises(ValueError, match=f"image_layers={layers}: this image tower has 3 blocks"):
        ClassTokenTower(model.visual).trace(pixels, layers)
