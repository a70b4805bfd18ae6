"""The embedded model as open_clip sees it."""

from __future__ import annotations

import open_clip
import torch

from gradeclip_widget.demo import model as demo
from gradeclip_widget.demo import sample_scene


def test_the_weights_file_is_small() -> None:
    assert demo.WEIGHTS.stat().st_size <= 8_000_000


def test_it_is_a_standard_model_in_evaluation_mode() -> None:
    clip = demo.build()
    assert isinstance(clip, open_clip.CLIP)
    assert not clip.training
    assert clip.token_embedding.weight.shape[0] == 49408
    assert {p.dtype for p in clip.parameters()} == {torch.float32}


def test_only_known_words_have_an_embedding() -> None:
    table = demo.build().token_embedding.weight
    filled = set(table.abs().sum(dim=1).nonzero()[:, 0].tolist())
    assert filled == demo.known_token_ids()
    known, unknown = demo.tokenizer()(["dog", "parliament"])[:, 1].tolist()
    assert known in filled
    assert unknown not in filled


def test_preprocessing_has_the_models_size_and_range() -> None:
    pixels = demo.preprocess()(sample_scene(500_000, size=300).image)
    assert pixels.shape == (3, *demo.build().visual.image_size)


def test_a_dog_is_a_dog() -> None:
    clip = demo.build()
    image = demo.preprocess()(sample_scene(500_005, ["dog"]).image)[None]
    texts = demo.tokenizer()(["a photo of a dog", "a photo of a car", "a photo of a red circle"])
    scores = clip.encode_image(image, normalize=True) @ clip.encode_text(texts, normalize=True).T
    assert scores.argmax() == 0


def test_the_same_build_twice_gives_the_same_weights() -> None:
    one, other = demo.build().state_dict(), demo.build().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_patchs_receptive_field_is_centered_on_it() -> None:
    """Else every map would lie beside what it shows."""
    stem = demo.build().visual.trunk.patch_embed.backbone
    pixels = torch.rand(8, 3, 112, 112, requires_grad=True)
    row, col = 6, 7
    stem(pixels)[:, :, row, col].pow(2).sum().backward()
    assert pixels.grad is not None
    weight = pixels.grad.pow(2).sum(dim=(0, 1))
    place = torch.arange(112.0) + 0.5
    middle = (
        (weight.sum(dim=1) * place).sum() / weight.sum(),
        (weight.sum(dim=0) * place).sum() / weight.sum(),
    )
    assert abs(middle[0] - 8 * (row + 0.5)) < 2
    assert abs(middle[1] - 8 * (col + 0.5)) < 2


def test_a_thing_gives_the_same_values_at_any_place() -> None:
    clip = demo.build()
    assert clip.visual.trunk.pos_embed.abs().max() == 0
