"""Small random models of Hugging Face's transformers, explained through their copies."""

from __future__ import annotations

import copy
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget import ClipModel
from gradeclip_widget.clip.loading.transformers import DualEncoder

from .. import invariants as check

transformers = pytest.importorskip("transformers")

LENGTH = 20
TEXTS = ["a brown dog in a red car", "the well-fed cat isn't waiting for traffic lights", "dogs!"]
CAPTION = "A brown DOG, in  a red car!"
BLOCKS = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32}


def bpe_tokenizer() -> Any:
    """CLIP's kind: byte pairs with an end-of-word mark."""
    letters = [*map(chr, range(97, 123)), *"!,'-", *(f"{chr(c)}</w>" for c in range(97, 123))]
    special = ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = [
        *letters,
        *(f"{c}</w>" for c in "!,'-"),
        "do",
        "dog</w>",
        "re",
        "red</w>",
        *special,
    ]
    ids = {piece: n for n, piece in enumerate(vocabulary)}
    merges = [("d", "o"), ("do", "g</w>"), ("r", "e"), ("re", "d</w>")]
    if int(transformers.__version__.partition(".")[0]) >= 5:
        return transformers.CLIPTokenizerFast(vocab=ids, merges=merges, model_max_length=LENGTH)
    with tempfile.TemporaryDirectory() as folder:  # before version 5 it reads files
        (vocab_file := Path(folder, "vocab.json")).write_text(json.dumps(ids))
        (merges_file := Path(folder, "merges.txt")).write_text(
            "\n".join(["#version: 0.2", *map(" ".join, merges)])
        )
        return transformers.CLIPTokenizerFast(
            str(vocab_file), str(merges_file), model_max_length=LENGTH
        )


def piece_tokenizer(folder: Path) -> Any:
    """SigLIP's kind, on a sentence-piece model trained on a few words."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20), model_writer=model, vocab_size=60, hard_vocab_limit=False,
        pad_id=-1, bos_id=-1, eos_id=1, unk_id=2, minloglevel=2,
    )  # fmt: skip
    path = folder / "spiece.model"
    path.write_bytes(model.getvalue())
    return transformers.SiglipTokenizer(str(path), model_max_length=LENGTH)


def clip_pair(folder: Path, **options: Any) -> tuple[Any, Any]:
    tokenizer = bpe_tokenizer()
    text = {
        **BLOCKS, "vocab_size": len(tokenizer), "intermediate_size": 50, "max_position_embeddings": LENGTH,
        "eos_token_id": tokenizer.eos_token_id, **options.get("text", {}),
    }  # fmt: skip
    vision = {
        **BLOCKS, "hidden_size": 48, "num_attention_heads": 3, "intermediate_size": 65, "image_size": 64,
        "patch_size": 16,
    }  # fmt: skip
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    size = {"size": {"shortest_edge": 72}, "crop_size": {"height": 64, "width": 64}}
    processor = transformers.CLIPProcessor(transformers.CLIPImageProcessor(**size), tokenizer)
    return transformers.CLIPModel(config), processor


def siglip_pair(folder: Path) -> tuple[Any, Any]:
    tokenizer = piece_tokenizer(folder)
    text = {
        **BLOCKS, "vocab_size": tokenizer.vocab_size, "intermediate_size": 50,
        "max_position_embeddings": LENGTH, "projection_size": 48,
    }  # fmt: skip
    vision = {
        **BLOCKS, "hidden_size": 48, "num_attention_heads": 3, "intermediate_size": 65, "image_size": 64,
        "patch_size": 16,
    }  # fmt: skip
    config = transformers.SiglipConfig(text_config=text, vision_config=vision)
    size = {"height": 64, "width": 64}
    pixels = transformers.SiglipImageProcessor(size=size, image_mean=[0.4] * 3, resample=2)
    return transformers.SiglipModel(config), transformers.SiglipProcessor(pixels, tokenizer)


def old_clip_pair(folder: Path) -> tuple[Any, Any]:
    """With the id that configurations gave for the end before it was put right."""
    return clip_pair(folder, text={"eos_token_id": 2, "hidden_act": "gelu"})


KINDS = {"clip": clip_pair, "clip-old": old_clip_pair, "siglip": siglip_pair}


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model, processor = KINDS[request.param](tmp_path_factory.mktemp("tokenizer"))
    return check.enliven(model), processor


@pytest.fixture(scope="module")
def clip(pair: Any) -> ClipModel:
    return gw.from_transformers(*pair)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 130, 3), np.uint8))


def features(output: Any) -> Tensor:
    """Newer versions give the projected features inside an output."""
    return getattr(output, "pooler_output", output)


@torch.no_grad()
def test_score_logit_and_probability_are_the_models_own(
    pair: Any, clip: ClipModel, picture: Image.Image
) -> None:
    model, processor = pair
    pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
    coded = processor.tokenizer(CAPTION, padding="max_length", max_length=LENGTH)["input_ids"]
    e = gw.Explainer(clip)(pixels, CAPTION)
    out = model(input_ids=torch.tensor([coded]), pixel_values=pixels)
    assert e.score == pytest.approx(float(out.image_embeds @ out.text_embeds.T), abs=1e-5)
    assert e.logit == pytest.approx(float(out.logits_per_image), abs=1e-4)
    if hasattr(model, "logit_bias"):
        expected = float(torch.sigmoid(out.logits_per_image))
        assert e.probability == pytest.approx(expected, abs=1e-5)
    else:
        assert e.logit_bias is None


@torch.no_grad()
def test_embeddings_of_many_captions_are_the_models_own(pair: Any, clip: ClipModel) -> None:
    model, processor = pair
    spelled = "a dog <|endoftext|> in a car"
    captions = [*TEXTS, CAPTION, "dog", "red dog " * 20, spelled]
    coded = processor.tokenizer(
        captions, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )["input_ids"]
    framed = [clip.tokenizer.add_special_tokens(clip.tokenizer.encode(c)) for c in captions]
    with clip.inference_context():
        ours, _ = clip.text_tower.run(framed, 2, clip.tokenizer.special_tokens)
    expected = features(model.get_text_features(coded))
    check.close(ours, torch.nn.functional.normalize(expected, dim=-1))
    check.close(clip.model.encode_text(coded), expected)


@torch.no_grad()
def test_pictures_are_prepared_as_by_the_processor(
    pair: Any, clip: ClipModel, picture: Image.Image
) -> None:
    expected = pair[1](images=picture, return_tensors="pt")["pixel_values"][0]
    difference = (clip.image_processor.crop(picture) - expected).abs()
    # They differ by one step of 8-bit rounding if pictures are resized as tensors.
    assert difference.max() <= 2.1 / 255 / min(clip.image_processor.std)
    assert difference.mean() < 0.2 / 255 / min(clip.image_processor.std)


def test_the_part_that_the_crop_left_out_is_known(clip: ClipModel, picture: Image.Image) -> None:
    cover = clip.image_processor.prepare(picture, "crop").cover
    if clip.image_processor.crop_mode == "squash":
        assert cover == (0, 0, 130, 90)
    else:  # the short side is resized from 90 to 72 px, of which the middle 64 remain
        assert cover == pytest.approx((25, 5, 105, 85))


def test_every_word_has_its_tokens(pair: Any, clip: ClipModel) -> None:
    tokens = clip.tokenizer(CAPTION)
    framed = clip.tokenizer.add_special_tokens(tokens.ids)
    expected = pair[1].tokenizer(CAPTION)["input_ids"]
    assert framed == expected
    assert [w.text for w in tokens.words] == ["A", "brown", "DOG", "in", "a", "red", "car"]
    for word in tokens.words:
        assert word.tokens
        text = "".join(tokens.pieces[t] for t in word.tokens)
        assert word.text in text.replace(" ", "")


def test_ids_are_read_back(pair: Any, clip: ClipModel) -> None:
    coded = pair[1].tokenizer("a red dog", padding="max_length", max_length=LENGTH)["input_ids"]
    assert [w.text for w in clip.tokenizer.from_ids(coded).words] == ["a", "red", "dog"]


def test_a_picture_is_explained_whole(clip: ClipModel, picture: Image.Image) -> None:
    e = gw.Explainer(clip)(picture, CAPTION)
    assert e.patch_grid == (4, 6)
    assert e.cover == (0, 0, 130, 90)
    assert np.abs(e.interactions).max() > 0
    assert e.model in ("CLIPModel", "SiglipModel")


def test_the_model_stays_as_it_was(pair: Any, picture: Image.Image) -> None:
    model = pair[0]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    clip = gw.from_transformers(*pair, name="mine")
    assert clip.name == "mine"
    with torch.no_grad():
        for parameter in clip.model.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_half_precision_weights_stay_so(pair: Any, picture: Image.Image) -> None:
    clip = gw.from_transformers(pair[0], pair[1])
    half = gw.from_transformers(copy.deepcopy(pair[0]).bfloat16(), pair[1])
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    score = gw.Explainer(half)(picture, CAPTION).score
    assert score == pytest.approx(gw.Explainer(clip)(picture, CAPTION).score, abs=0.03)


@pytest.mark.parametrize("kind", ["Siglip2Model", "CLIPTextModel"])
def test_a_model_of_another_class_raises_an_error(kind: str, pair: Any) -> None:
    with torch.device("meta"):
        config = getattr(transformers, kind).config_class()
        model = getattr(transformers, kind)(config)
    with pytest.raises(TypeError, match=f"not {kind}"):
        gw.from_transformers(model, pair[1])


@pytest.mark.parametrize("wrapper", [torch.nn.DataParallel, torch.compile])
def test_a_wrapper_that_computes_the_same_is_removed(
    wrapper: Any, pair: Any, clip: ClipModel, picture: Image.Image
) -> None:
    wrapped = gw.from_transformers(wrapper(pair[0]), pair[1])
    expected = gw.Explainer(clip)(picture, CAPTION).score
    assert gw.Explainer(wrapped)(picture, CAPTION).score == expected


def test_what_is_no_model_is_named_with_the_way_out(pair: Any) -> None:
    model, processor = pair
    trainer = type("Trainer", (), {"model": model})()
    for thing, message in (
        (trainer, r"trainer\.model"),
        (processor, r"without a model.*from_transformers\(model, processor\)"),
        (type(model), "the class"),
        (model.state_dict(), "load_state_dict"),
        ("openai/clip-vit", r"AutoModel\.from_pretrained\('openai/clip-vit'\)"),
    ):
        with pytest.raises(TypeError, match=message):
            gw.from_transformers(thing, processor)


@pytest.mark.filterwarnings("ignore")  # of torch, about what replaces its quantization
def test_a_quantized_model_is_named(pair: Any) -> None:
    quantize = torch.ao.quantization.quantize_dynamic
    quantized = quantize(pair[0], {torch.nn.Linear}, dtype=torch.qint8)
    with pytest.raises(ValueError, match=r"quantized layers .*without quantization_config"):
        gw.from_transformers(quantized, pair[1])


def test_a_model_without_values_is_named(pair: Any) -> None:
    with pytest.raises(ValueError, match="'meta'"):
        gw.from_transformers(copy.deepcopy(pair[0]).to("meta"), pair[1])


def test_a_model_is_converted_under_other_defaults(
    pair: Any, clip: ClipModel, picture: Image.Image
) -> None:
    expected = gw.Explainer(clip)(picture, CAPTION).score
    with torch.inference_mode(), torch.device("meta"), torch.autocast("cpu", torch.bfloat16):
        converted = gw.from_transformers(*pair)
    assert gw.Explainer(converted)(picture, CAPTION).score == expected


def test_a_processor_without_tokenizer_raises_an_error(pair: Any) -> None:
    with pytest.raises(TypeError, match="no image_processor"):
        gw.from_transformers(pair[0], pair[1].tokenizer)


def test_a_processor_of_another_size_raises_an_error(pair: Any) -> None:
    other = type(pair[1].image_processor)(size={"height": 32, "width": 32}, do_center_crop=False)
    processor = type(pair[1])(other, pair[1].tokenizer)
    with pytest.raises(ValueError, match="32 x 32 px"):
        gw.from_transformers(pair[0], processor)


def test_a_siglip_without_pooling_head_raises_an_error(tmp_path: Path) -> None:
    model, processor = siglip_pair(tmp_path)
    model.vision_model.use_head = False
    with pytest.raises(TypeError, match="no pooling head"):
        gw.from_transformers(model, processor)


def test_the_copy_is_a_model_of_open_clips_kind(clip: ClipModel) -> None:
    assert isinstance(clip.model, DualEncoder)
    pixels = check.picture(64, 64)
    with torch.no_grad(), clip.inference_context():
        trace = clip.image_tower.trace(pixels)
        check.close(trace.embedding, check.own_embedding(clip.model, pixels))
